//! The Debian package: what is in it, that it installs and goes, and what lintian says.

use crate::support::{have, program, room, said};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What every test here needs.
const MAKES: [&[&str]; 4] = [&["cargo", "deb"], &["dpkg-deb"], &["dpkg-shlibdeps"], &["strip"]];

/// The package of the program beside this test, built once; `None`, said by name, where that cannot be.
fn package(test: &str) -> Option<&'static Path> {
    static PACKAGE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    have(test, &MAKES).then(|| PACKAGE.get_or_init(build).1.as_path())
}

fn build() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = program().parent().unwrap().to_owned();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let mut command = Command::new(room("sledger-cli").join("debian/package"));
    command.args(["--no-build", "--fast", "--profile", profile, "--output"]).arg(dir.path());
    let output = command.env("CARGO_TARGET_DIR", folder.parent().unwrap()).output().unwrap();
    let path = PathBuf::from(told(output).lines().last().unwrap());
    (dir, path)
}

/// Stdout of what went well.
fn told(output: Output) -> String {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&said));
    String::from_utf8(output.stdout).unwrap()
}

/// Every file below `dir`, as the system that lives there names it.
fn files(dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(format!("/{}", path.strip_prefix(dir).unwrap().display()));
            }
        }
    }
    found
}

#[test]
fn the_package_holds_program_unit_configuration_pages_and_completions() {
    let test = "the_package_holds_program_unit_configuration_pages_and_completions";
    let Some(package) = package(test) else { return };
    let dir = tempfile::tempdir().unwrap();
    told(Command::new("dpkg-deb").arg("-x").arg(package).arg(dir.path()).output().unwrap());
    let found = files(dir.path());
    for path in [
        "/usr/bin/sledger",
        "/usr/lib/systemd/system/sledger.service",
        "/usr/share/man/man1/sledger.1.gz",
        "/usr/share/man/man1/sledger-serve.1.gz",
        "/usr/share/bash-completion/completions/sledger",
        "/usr/share/zsh/vendor-completions/_sledger",
        "/usr/share/fish/vendor_completions.d/sledger.fish",
        "/usr/share/doc/sledger/copyright",
        "/usr/share/doc/sledger/changelog.gz",
        "/usr/share/doc/sledger/changelog.Debian.gz",
    ] {
        assert!(found.contains(path), "{path} is not in {found:?}");
    }
    let config = std::fs::read_to_string(dir.path().join("etc/sledger/sledger.toml")).unwrap();
    assert_eq!(config, said(&["config", "show", "--default"]));
    let unit = std::fs::read_to_string(room("sledger-cli").join("debian/sledger.service")).unwrap();
    let packed = std::fs::read_to_string(dir.path().join("usr/lib/systemd/system/sledger.service")).unwrap();
    assert_eq!(packed, unit);
    let conffiles = Command::new("dpkg-deb").args(["-f"]).arg(package).arg("Depends").output().unwrap();
    assert!(told(conffiles).contains("libc6"), "what it needs of the system is named");
}

/// A system with nothing in it but a package manager's memory.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = dir.path().join("var/lib/dpkg");
        for folder in ["info", "updates", "triggers"] {
            std::fs::create_dir_all(memory.join(folder)).unwrap();
        }
        std::fs::write(memory.join("status"), "").unwrap();
        Self(dir)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    /// The package manager at work in here, scripts of packages included; nothing of this machine is touched.
    fn dpkg(&self, args: &[&str]) -> String {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("--root").arg(self.0.path());
        dpkg.args(["--force-script-chrootless", "--force-depends"]).args(args);
        told(dpkg.env("DEBIAN_FRONTEND", "noninteractive").output().unwrap())
    }
}

#[expect(clippy::print_stdout, reason = "whoever runs the tests is to know what was not tested")]
fn is_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: {test}: only root installs packages");
    }
    is_root
}

#[test]
fn the_package_installs_runs_and_leaves_nothing_when_it_is_purged() {
    let test = "the_package_installs_runs_and_leaves_nothing_when_it_is_purged";
    let Some(package) = package(test) else { return };
    if !have(test, &[&["dpkg"]]) || !is_root(test) {
        return;
    }
    let root = Root::new();
    let package = package.to_str().unwrap();
    root.dpkg(&["--install", package]);
    let version = Command::new(root.path("/usr/bin/sledger")).arg("--version").output().unwrap();
    assert_eq!(told(version), format!("sledger {}\n", env!("CARGO_PKG_VERSION")));
    let enabled = "/etc/systemd/system/multi-user.target.wants/sledger.service";
    assert!(root.path(enabled).is_symlink(), "it starts with the machine: {:?}", files(root.0.path()));
    let config = root.path("/etc/sledger/sledger.toml");
    let mut check = Command::new(root.path("/usr/bin/sledger"));
    told(check.args(["config", "check", "--config"]).arg(&config).env_clear().output().unwrap());
    std::fs::write(&config, "[server]\nname = \"mine\"\n").unwrap();
    root.dpkg(&["--install", "--force-confold", package]);
    assert!(std::fs::read_to_string(&config).unwrap().contains("mine"), "what was configured stays");
    let history = root.path("/var/lib/private/sledger/ledger.toml");
    std::fs::create_dir_all(history.parent().unwrap()).unwrap();
    std::fs::write(&history, "").unwrap();
    root.dpkg(&["--remove", "sledger"]);
    assert!(!root.path("/usr/bin/sledger").exists() && config.exists());
    root.dpkg(&["--purge", "sledger"]);
    let left: Vec<String> =
        files(root.0.path()).into_iter().filter(|path| !path.starts_with("/var/lib/dpkg/")).collect();
    assert_eq!(left, ["/var/lib/private/sledger/ledger.toml"], "history is evidence");
}

#[test]
fn lintian_finds_nothing_wrong_with_the_package() {
    let test = "lintian_finds_nothing_wrong_with_the_package";
    let Some(package) = package(test) else { return };
    if !have(test, &[&["lintian"]]) {
        return;
    }
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]).arg(package);
    assert_eq!(told(lintian.output().unwrap()), "");
}
