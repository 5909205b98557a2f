//! Colours, by what they mean. Never by colour alone: every state is a word as well.

use ratatui::style::{Color, Modifier, Style};

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeName {
    /// For dark backgrounds.
    #[default]
    Dark,
    /// For light backgrounds.
    Light,
    /// No colours: bold, dim and reversed only.
    Mono,
}

impl ThemeName {
    /// Reads `dark`, `light`, `mono`; `auto` is left to who knows the terminal.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "dark" => Some(Self::Dark),
            "light" => Some(Self::Light),
            "mono" => Some(Self::Mono),
            _ => None,
        }
    }
}

/// The styles, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Everything else.
    pub plain: Style,
    /// What explains.
    pub dim: Style,
    /// What is looked for.
    pub strong: Style,
    /// Frames.
    pub frame: Style,
    /// The frame of the pane that has the keys.
    pub focus: Style,
    /// The chosen row.
    pub chosen: Style,
    /// All is well; admissions.
    pub good: Style,
    /// Near a limit; evictions.
    pub warn: Style,
    /// At a limit; refusals; what is wrong.
    pub bad: Style,
    /// The present.
    pub live: Style,
    /// The past.
    pub past: Style,
    /// What is frozen.
    pub frozen: Style,
}

impl Theme {
    /// The styles of a theme.
    #[must_use]
    pub const fn of(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::coloured(Color::Green, Color::Yellow, Color::LightRed, Color::Cyan),
            ThemeName::Light => Self::coloured(Color::Green, Color::Magenta, Color::Red, Color::Blue),
            ThemeName::Mono => Self::mono(),
        }
    }

    const fn coloured(good: Color, warn: Color, bad: Color, focus: Color) -> Self {
        let plain = Style::new();
        Self {
            plain,
            dim: plain.add_modifier(Modifier::DIM),
            strong: plain.add_modifier(Modifier::BOLD),
            frame: plain.add_modifier(Modifier::DIM),
            focus: plain.fg(focus),
            chosen: plain.add_modifier(Modifier::REVERSED),
            good: plain.fg(good),
            warn: plain.fg(warn),
            bad: plain.fg(bad).add_modifier(Modifier::BOLD),
            live: plain.fg(good).add_modifier(Modifier::BOLD),
            past: plain.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
            frozen: plain.fg(warn).add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
        }
    }

    const fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            plain,
            dim: plain.add_modifier(Modifier::DIM),
            strong: bold,
            frame: plain.add_modifier(Modifier::DIM),
            focus: bold,
            chosen: plain.add_modifier(Modifier::REVERSED),
            good: plain,
            warn: plain.add_modifier(Modifier::UNDERLINED),
            bad: bold.add_modifier(Modifier::UNDERLINED),
            live: bold,
            past: plain.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
            frozen: plain.add_modifier(Modifier::REVERSED.union(Modifier::UNDERLINED)),
        }
    }
}
