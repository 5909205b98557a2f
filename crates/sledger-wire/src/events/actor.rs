//! Who caused something, as text: `token:NAME uid:N gate:NAME cli file timer import:FILE local`.

use crate::escape::brief;
use crate::values::Reason;
use sledger_core::command::Actor;

/// The actor as text.
#[must_use]
pub fn actor_text(actor: &Actor) -> String {
    match actor {
        Actor::Token(name) => format!("token:{name}"),
        Actor::Uid(uid) => format!("uid:{uid}"),
        Actor::Gate(name) => format!("gate:{name}"),
        Actor::Cli => "cli".to_owned(),
        Actor::File => "file".to_owned(),
        Actor::Timer => "timer".to_owned(),
        Actor::Import(file) => format!("import:{file}"),
        Actor::Local => "local".to_owned(),
    }
}

/// The actor of this text.
///
/// # Errors
/// When it is none of the forms.
pub fn actor(text: &str) -> Result<Actor, Reason> {
    let known = match (text, text.split_once(':')) {
        ("cli", _) => Some(Actor::Cli),
        ("file", _) => Some(Actor::File),
        ("timer", _) => Some(Actor::Timer),
        ("local", _) => Some(Actor::Local),
        (_, Some(("token", name))) => Some(Actor::Token(name.into())),
        (_, Some(("gate", name))) => Some(Actor::Gate(name.into())),
        (_, Some(("import", file))) => Some(Actor::Import(file.into())),
        (_, Some(("uid", uid))) => uid.parse().ok().map(Actor::Uid),
        _ => None,
    };
    known.ok_or_else(|| {
        let forms = "`token:NAME`, `uid:N`, `gate:NAME`, `cli`, `file`, `timer`, `import:FILE`, `local`";
        format!("`{}` is no actor: one of {forms}", brief(text)).into()
    })
}
