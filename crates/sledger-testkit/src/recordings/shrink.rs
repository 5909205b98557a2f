//! A smaller recording that still shows the same.

use super::Recording;

/// Drops lines, long runs first, as long as `shows` holds for what is left.
///
/// `shows` must hold for `recording` itself, else it is returned as it is.
pub fn shrink(recording: &Recording, shows: &mut dyn FnMut(&Recording) -> bool) -> Recording {
    let mut smallest = recording.clone();
    let mut run = smallest.lines.len().div_ceil(2);
    while run > 0 {
        let before = smallest.lines.len();
        drop_runs(&mut smallest, run, shows);
        if run == 1 && smallest.lines.len() == before {
            break;
        }
        run = if run == 1 { 1 } else { run.div_ceil(2) };
    }
    smallest
}

/// Drops every run of `run` lines that is not needed, from the end on.
fn drop_runs(smallest: &mut Recording, run: usize, shows: &mut dyn FnMut(&Recording) -> bool) {
    let mut start = smallest.lines.len().saturating_sub(run);
    loop {
        let mut without = smallest.clone();
        let end = (start + run).min(without.lines.len());
        without.lines.drain(start..end);
        if end > start && shows(&without) {
            *smallest = without;
        }
        if start == 0 {
            return;
        }
        start = start.saturating_sub(run).min(smallest.lines.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_matter_are_left() {
        let recording = Recording::random(3, 40).expect("the generator stays within the model");
        let has = |recording: &Recording, tag: usize| recording.lines.iter().any(|line| line.tag == tag);
        let small = shrink(&recording, &mut |recording| has(recording, 5) && has(recording, 31));
        assert_eq!(small.lines.iter().map(|line| line.tag).collect::<Vec<_>>(), [5, 31]);
    }
}
