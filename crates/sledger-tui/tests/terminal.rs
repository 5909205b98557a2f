//! The terminal is given back as it was, also where a thread of the monitor panics.

use sledger_testkit::tmux::Tmux;
use sledger_tui::app::Setup;
use sledger_tui::keys::Keymap;
use sledger_tui::source::{Ask, Failed, Position, Source, Told};
use sledger_tui::theme::ThemeName;
use sledger_tui::{Sources, run};
use sledger_wire::values::Offset;
use std::path::Path;

/// Set in the process that runs the monitor.
const CHILD: &str = "SLEDGER_TUI_CHILD";

/// Answers where it is, and panics when it is asked for figures.
struct Panicking;

impl Source for Panicking {
    fn answer(&mut self, ask: Ask, _: &mut dyn FnMut(Told)) -> Result<Told, Failed> {
        match ask {
            Ask::Move(_) => Ok(Told::At(Box::<Position>::default())),
            other => panic!("what nobody thought of: {:?}", other.kind()),
        }
    }
}

#[test]
fn the_child_that_panics() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let setup = Setup {
        target: "nothing".to_owned(),
        allow_actions: false,
        near: 80,
        keys: Keymap::default(),
        theme: ThemeName::Dark,
        ascii: true,
        zone_minutes: 0,
        offset: Offset::default(),
        has_live: false,
        has_past: true,
    };
    let sources = Sources { live: None, past: Some(Box::new(Panicking)) };
    let ended = run(setup, sources, 10, false);
    assert_eq!(ended.map_err(|error| error.to_string()), Err("a thread of the monitor panicked".to_owned()));
}

#[test]
fn a_panic_is_read_on_a_terminal_as_it_was_before() {
    let this = std::env::current_exe().expect("this program has a place");
    let command = format!(
        "{CHILD}=1 {} --exact the_child_that_panics --nocapture; echo \"ended $?\"; stty -a; exec cat",
        this.display()
    );
    let Some(tmux) = Tmux::start((120, 40), Path::new("/"), &command) else { return };
    let screen =
        tmux.until("the end of the child", |screen| screen.contains("ended") && screen.contains("icanon"));
    assert!(screen.contains("what nobody thought of"), "{screen}");
    assert!(screen.contains("ended 0"), "{screen}");
    let words: Vec<&str> = screen.split_whitespace().collect();
    for word in ["icanon", "echo", "isig"] {
        assert!(words.contains(&word), "{word}: {screen}");
    }
}
