//! The machine in one line: figures without it mean little.

use std::fs;
use std::path::Path;

/// Cores, kernel, file system of `dir`, load.
pub(crate) fn line(dir: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = said("/proc/sys/kernel/osrelease");
    let load = said("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let file_system = file_system(dir);
    let warning = if file_system == "tmpfs" { " (memory: nothing there is durable, give --dir)" } else { "" };
    format!("{cores} cores, Linux {kernel}, {file_system}{warning} at {}, load {load}", dir.display())
}

fn said(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The type of the file system that `dir` lies on: that of the longest mount point above it.
fn file_system(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mounts = said("/proc/self/mounts");
    let found = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = found.filter(|(at, _)| dir.starts_with(at));
    above.max_by_key(|(at, _)| at.len()).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}
