//! Parts that several views draw: framed panes, tables.

use super::Look;
use crate::app::{Order, Pane};
use crate::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget as _};

/// One column of a table being drawn.
pub(super) struct Cells {
    /// Its head.
    pub(super) head: String,
    /// How wide it is.
    pub(super) width: usize,
    /// Whether its cells stand at the right.
    pub(super) is_number: bool,
}

impl Cells {
    pub(super) fn text(head: &str, width: usize) -> Self {
        Self { head: head.to_owned(), width, is_number: false }
    }

    pub(super) fn number(head: &str, width: usize) -> Self {
        Self { head: head.to_owned(), width, is_number: true }
    }
}

/// A row of a table being drawn.
pub(super) struct RowShown {
    pub(super) cells: Vec<String>,
    pub(super) style: Style,
    pub(super) is_chosen: bool,
}

impl Look<'_> {
    /// Draws a frame with a title at its left and one at its right; what is inside.
    pub(super) fn frame(
        &self,
        title: &str,
        right: &str,
        pane: Option<Pane>,
        area: Rect,
        buffer: &mut Buffer,
    ) -> Rect {
        let has_keys = pane == Some(self.app.pane);
        let style = if has_keys { self.theme.focus } else { self.theme.frame };
        let block = Block::bordered().border_set(self.glyphs.border).border_style(style);
        let room = usize::from(area.width.saturating_sub(4));
        let title = text::cut(title, room, &self.glyphs);
        let left_over = room.saturating_sub(text::width(&title) + 3);
        let right = text::cut(right, left_over, &self.glyphs);
        let title_style = if has_keys { self.theme.focus } else { self.theme.strong };
        let mut block = block.title_top(Line::styled(format!("[{title}]"), title_style));
        if !right.is_empty() {
            block = block.title_top(Line::styled(format!("[{right}]"), self.theme.dim).right_aligned());
        }
        let inner = block.inner(area);
        block.render(area, buffer);
        inner
    }

    /// Draws lines from the top; those without room are left out.
    pub(super) fn lines(lines: Vec<Line<'static>>, area: Rect, buffer: &mut Buffer) {
        Paragraph::new(lines).render(area, buffer);
    }

    /// A line of a table: cells in their columns, the chosen one marked.
    pub(super) fn table(&self, columns: &[Cells], rows: Vec<RowShown>, area: Rect, buffer: &mut Buffer) {
        let heads = columns.iter().map(|column| column.head.clone()).collect::<Vec<_>>();
        let mut lines = vec![Line::styled(format!("  {}", self.cells(columns, &heads)), self.theme.dim)];
        for row in rows {
            let mark = if row.is_chosen { self.glyphs.cursor } else { ' ' };
            let text = format!("{mark} {}", self.cells(columns, &row.cells));
            let style = if row.is_chosen { row.style.patch(self.theme.chosen) } else { row.style };
            lines.push(Line::styled(text::left_escaped(&text, usize::from(area.width)), style));
        }
        Self::lines(lines, area, buffer);
    }

    fn cells(&self, columns: &[Cells], cells: &[String]) -> String {
        let shown = columns.iter().zip(cells).map(|(column, cell)| {
            if column.is_number {
                text::right(cell, column.width, &self.glyphs)
            } else {
                text::left(cell, column.width, &self.glyphs)
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// `key value`, the value standing out.
    pub(super) fn fact(&self, key: &str, value: &str, width: usize) -> Line<'static> {
        let key = text::left(key, 14, &self.glyphs);
        let value = text::cut(value, width.saturating_sub(16), &self.glyphs);
        Line::from(vec![Span::styled(format!(" {key} "), self.theme.dim), Span::raw(value)])
    }
}

/// The head of a column, with its order where the list is sorted by it.
pub(super) fn head(name: &str, index: usize, order: Order) -> String {
    match (order.column == index, order.descending) {
        (false, _) => name.to_owned(),
        (true, true) => format!("{name} v"),
        (true, false) => format!("{name} ^"),
    }
}
