//! The engine from outside: the library's own tests, hostile scripts, the API, what lint says.

#[cfg(test)]
mod api;
#[cfg(test)]
mod charges;
#[cfg(test)]
mod containment;
#[cfg(test)]
mod failure;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod library;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod world;
