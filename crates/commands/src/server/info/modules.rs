//! INFO modules: there are none, and the empty section says so.

use super::Look;
use super::page::Page;

pub(super) fn write(_: &mut Page, _: &mut Look) {}
