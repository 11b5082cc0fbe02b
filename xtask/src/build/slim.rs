//! What a program of the browser carries and nobody ever sees, taken out of it between the compiler and wasm-opt.
//!
//! The standard library comes compiled, with all it would say of a panic. In wasm it says it to nobody: a panic ends in a trap, here as there.
//! The compiler's own switches for this (`panic=immediate-abort`, `-Zlocation-detail`) need another library and another compiler than the
//! stable ones.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use rustc_demangle::demangle;
use walrus::ir::{Instr, InstrLocId, InstrSeqId, Value, Visitor, dfs_in_order};
use walrus::{
    ConstExpr, Data, DataId, DataKind, FunctionBuilder, FunctionId, FunctionKind, LocalFunction,
    Module, RawCustomSection,
};

/// Where wasm-bindgen's macro leaves what its program is to make of it.
const BINDINGS: &str = "__wasm_bindgen_unstable";
/// A class of wasm-streams that Leptos's server functions could hand to JavaScript; nothing here calls one. In lower case as its functions
/// are exported.
const UNUSED_CLASS: (&str, &str) = ("IntoUnderlying", "intounderlying");

/// Where a panic begins. Only what never returns is taken of these.
const PANICS: [&str; 14] = [
    "__rustc::rust_begin_unwind",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::raw_vec::handle_error",
    "core::cell::panic_already_",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::panicking::",
    "core::result::unwrap_failed",
    "core::slice::index::",
    "core::str::slice_error_fail",
    "std::alloc::rust_oom",
    "std::panicking::",
    "std::thread::local::panic_access_error",
];

/// What that class is made of beside its functions, in tables that keep it: futures handed to JavaScript. A page awaits, and is awaited by
/// nobody.
const UNUSED_FUTURES: &str = "js_sys::futures::future_to_promise";

/// The program as wasm-bindgen is to take it.
pub fn before_bindgen(program: &[u8], is_page: bool) -> Result<Vec<u8>> {
    let mut module = Module::from_buffer(program).context("the compiled program")?;
    if is_page {
        drop_unused_class(&mut module)?;
        trap(&mut module, |_, name| name.starts_with(UNUSED_FUTURES));
    }
    trap(&mut module, is_panic);
    forget_places(&mut module);
    Ok(module.emit_wasm())
}

/// The program and its glue, which call each other by names of a letter or two: wasm-bindgen's are long, and half of each is a hash, which
/// no compression makes smaller.
pub fn after_bindgen(program: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut module = Module::from_buffer(program).context("wasm-bindgen's program")?;
    let parts = parts(glue);
    let has = |part: Part| parts.contains(&part);
    let mut count = 0;
    let mut names = BTreeMap::new();
    let mut rename = |name: &mut String, part: fn(&str) -> Part<'_>| {
        let new = short_name(count);
        count += 1;
        let old = std::mem::replace(name, new.clone());
        let known = parts.iter().find(|found| **found == part(&old));
        known.map(|found| names.insert(*found, new))
    };
    for import in module.imports.iter_mut() {
        if !has(Part::Key(&import.name)) {
            bail!("the glue has no {}", import.name);
        }
        rename(&mut import.name, |name| Part::Key(name));
    }
    for export in module.exports.iter_mut() {
        if has(Part::Field(&export.name)) {
            rename(&mut export.name, |name| Part::Field(name));
        }
    }
    let glue = parts.iter().map(|part| {
        let new = names.get(part);
        new.map_or(part.text(), String::as_str)
    });
    Ok((module.emit_wasm(), glue.collect()))
}

/// Drops what is exported for one class: its functions, and what wasm-bindgen is told of them.
fn drop_unused_class(module: &mut Module) -> Result<()> {
    let (class, functions) = UNUSED_CLASS;
    let Some(section) = module.customs.remove_raw(BINDINGS) else {
        bail!("the compiled program has no section {BINDINGS}");
    };
    let mut kept = Vec::new();
    let mut rest = section.data.as_slice();
    while !rest.is_empty() {
        // A schema and a description, each behind its length.
        let (_, after) = split_part(rest)?;
        let (description, after) = split_part(after)?;
        if !contains(description, class.as_bytes()) {
            kept.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    module.customs.add(RawCustomSection {
        name: BINDINGS.to_owned(),
        data: kept,
    });
    let exports = module
        .exports
        .iter()
        .filter(|export| export.name.contains(functions));
    let ids: Vec<_> = exports.map(|export| export.id()).collect();
    for id in ids {
        module.exports.delete(id);
    }
    Ok(())
}

fn split_part(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let cut = || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        rest.split_at_checked(u32::from_le_bytes(*length) as usize)
    };
    cut().with_context(|| format!("{BINDINGS} is not as it was"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A way into a panic, which ends in a trap anyhow.
fn is_panic(body: &LocalFunction, name: &str) -> bool {
    PANICS.iter().any(|panic| name.starts_with(panic)) && never_returns(body)
}

/// Whether there is no way out of a function but a trap: it ends in one, and nothing in it leads past that.
fn never_returns(body: &LocalFunction) -> bool {
    struct Ways {
        whole: InstrSeqId,
        out: bool,
    }
    impl Visitor<'_> for Ways {
        fn visit_instr(&mut self, instr: &Instr, _: &InstrLocId) {
            self.out |= match instr {
                Instr::Return(_) | Instr::ReturnCall(_) | Instr::ReturnCallIndirect(_) => true,
                Instr::Br(way) => way.block == self.whole,
                Instr::BrIf(way) => way.block == self.whole,
                Instr::BrTable(ways) => {
                    ways.default == self.whole || ways.blocks.contains(&self.whole)
                }
                _ => false,
            };
        }
    }
    let whole = body.entry_block();
    let last = body.block(whole).instrs.last();
    let mut ways = Ways { whole, out: false };
    dfs_in_order(&mut ways, body, whole);
    matches!(last, Some((Instr::Unreachable(_), _))) && !ways.out
}

/// Makes nothing but a trap of some functions; wasm-opt then drops what only they had used.
fn trap(module: &mut Module, is_meant: impl Fn(&LocalFunction, &str) -> bool) {
    let meant = |(id, body): (FunctionId, &LocalFunction)| {
        let name = module.funcs.get(id).name.as_deref()?;
        let name = format!("{:#}", demangle(name));
        is_meant(body, &name).then_some(id)
    };
    let meant: Vec<FunctionId> = module.funcs.iter_local().filter_map(meant).collect();
    for id in meant {
        let kind = module.types.get(module.funcs.get(id).ty());
        let (parameters, results) = (kind.params().to_vec(), kind.results().to_vec());
        let locals = parameters
            .iter()
            .map(|kind| module.locals.add(*kind))
            .collect();
        let mut trap = FunctionBuilder::new(&mut module.types, &parameters, &results);
        trap.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(trap.local_func(locals));
    }
}

/// Blanks where in the sources a panic would have been, with the paths on the builder's disk.
fn forget_places(module: &mut Module) {
    let place = |data: &Data| match data.kind {
        DataKind::Active {
            offset: ConstExpr::Value(Value::I32(at)),
            ..
        } => Some((data.id(), at as u32, data.value.clone())),
        _ => None,
    };
    let segments: Vec<_> = module.data.iter().filter_map(place).collect();
    let mut blank: Vec<(u32, u32)> = Vec::new();
    for (_, at, bytes) in &segments {
        let aligned = (at.next_multiple_of(4) - at) as usize;
        for place in (aligned..bytes.len().saturating_sub(15)).step_by(4) {
            let word = |n: usize| {
                let from = place + 4 * n;
                bytes[from..from + 4]
                    .iter()
                    .rev()
                    .fold(0, |word: u32, byte| word << 8 | u32::from(*byte))
            };
            let (path, length) = (word(0), word(1));
            let counts = (1..100_000).contains(&word(2)) && (1..1000).contains(&word(3));
            if counts && text(&segments, path, length).is_some_and(is_source) {
                blank.push((at + place as u32, 16));
                blank.push((path, length));
            }
        }
    }
    for (from, length) in blank {
        for (id, at, _) in &segments {
            let inside = range(*at, from, length);
            let bytes = &mut module.data.get_mut(*id).value;
            if let Some(part) = inside.and_then(|inside| bytes.get_mut(inside)) {
                part.fill(0);
            }
        }
    }
}

fn text(segments: &[(DataId, u32, Vec<u8>)], from: u32, length: u32) -> Option<&[u8]> {
    let mut found = segments
        .iter()
        .filter_map(|(_, at, bytes)| bytes.get(range(*at, from, length)?));
    found.next()
}

/// Where in a segment this part of the memory is.
fn range(segment: u32, from: u32, length: u32) -> Option<Range<usize>> {
    let start = from.checked_sub(segment)? as usize;
    Some(start..start.checked_add(length as usize)?)
}

/// Whether this is the path of a Rust source, with or without the zero that C wants behind it.
fn is_source(text: &[u8]) -> bool {
    let path = text.strip_suffix(b"\0").unwrap_or(text);
    path.ends_with(b".rs") && path.iter().all(u8::is_ascii_graphic)
}

/// `a` to `z`, then `aa` and so on.
fn short_name(number: usize) -> String {
    let letter = char::from(b'a' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        more => short_name(more - 1) + &letter.to_string(),
    }
}

/// A piece of the glue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// The name of something that it hands to the program.
    Key(&'a str),
    /// The name of something that it takes from the program.
    Field(&'a str),
    Other(&'a str),
}

impl<'a> Part<'a> {
    const fn text(self) -> &'a str {
        match self {
            Self::Key(text) | Self::Field(text) | Self::Other(text) => text,
        }
    }
}

/// The glue as words and what is between them, in turns.
fn parts<'a>(glue: &'a str) -> Vec<Part<'a>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
    let mut pieces = Vec::new();
    let mut rest = glue;
    while let Some(first) = rest.bytes().next() {
        let end = rest
            .bytes()
            .position(|byte| is_word(byte) != is_word(first));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    let at = |place: Option<usize>| place.and_then(|place| pieces.get(place)).copied();
    let part = |(place, piece): (usize, &'a str)| {
        let before = (at(place.checked_sub(2)), at(place.checked_sub(1)));
        if before == (Some("wasm"), Some(".")) {
            Part::Field(piece)
        } else if at(place.checked_add(1)).is_some_and(|next| next.starts_with(':')) {
            Part::Key(piece)
        } else {
            Part::Other(piece)
        }
    };
    pieces.iter().copied().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_and_glue_get_the_same_short_names() {
        let mut module = Module::default();
        let kind = module.types.add(&[], &[]);
        module.add_import_func("./x.js", "__wbg_now_0123456789abcdef", kind);
        let mut body = FunctionBuilder::new(&mut module.types, &[], &[]);
        body.func_body();
        let function = body.finish(vec![], &mut module.funcs);
        module.exports.add("handle", function);
        module.exports.add("unknown", function);
        let glue = "export function handle(m) { wasm.handle(m); }\nconst i = {\n    __wbg_now_0123456789abcdef: function() {},\n};";
        let (program, glue) = after_bindgen(&module.emit_wasm(), glue).unwrap();
        assert_eq!(
            glue,
            "export function handle(m) { wasm.b(m); }\nconst i = {\n    a: function() {},\n};"
        );
        let module = Module::from_buffer(&program).unwrap();
        let imports: Vec<_> = module.imports.iter().map(|it| it.name.as_str()).collect();
        let exports: Vec<_> = module.exports.iter().map(|it| it.name.as_str()).collect();
        assert_eq!((imports, exports), (vec!["a"], vec!["b", "unknown"]));
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_is_an_error() {
        let mut module = Module::default();
        let kind = module.types.add(&[], &[]);
        module.add_import_func("./x.js", "lost", kind);
        assert!(after_bindgen(&module.emit_wasm(), "const i = { lost() {} };").is_err());
    }

    #[test]
    fn names_are_short_and_differ() {
        let names: Vec<String> = (0..1000).map(short_name).collect();
        assert_eq!((names[0].as_str(), names[26].as_str()), ("a", "aa"));
        let all: std::collections::BTreeSet<_> = names.iter().collect();
        assert!(all.len() == 1000 && names.iter().all(|name| name.len() <= 3));
    }

    #[test]
    fn only_what_never_returns_is_a_panic() {
        let mut module = Module::default();
        let mut add = |name: &str, traps: bool| {
            let mut body = FunctionBuilder::new(&mut module.types, &[], &[]);
            body.name(name.to_owned());
            body.func_body().i32_const(7).drop();
            if traps {
                body.func_body().unreachable();
            }
            body.finish(vec![], &mut module.funcs)
        };
        let panic = add("_ZN4core6option13unwrap_failed17h0123456789abcdefE", true);
        let index = add("_ZN4core5slice5index3get17h0123456789abcdefE", false);
        let other = add("_ZN5story4tell17h0123456789abcdefE", true);
        let mut body = FunctionBuilder::new(&mut module.types, &[], &[]);
        body.name("_ZN4core5slice5index5index17h0123456789abcdefE".to_owned());
        // Returns in the middle, and panics at its end.
        body.func_body()
            .block(None, |block| {
                let whole = block.id();
                block.i32_const(1).br_if(whole).return_();
            })
            .unreachable();
        let both = body.finish(vec![], &mut module.funcs);
        trap(&mut module, is_panic);
        let length = |id| {
            let function = module.funcs.get(id).kind.unwrap_local();
            function.block(function.entry_block()).instrs.len()
        };
        assert_eq!((length(panic), length(index), length(other)), (1, 2, 3));
        assert_eq!(length(both), 2);
    }

    #[test]
    fn places_in_the_sources_are_blanked_and_nothing_else() {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let path = b"/home/me/src/lib.rs";
        let mut bytes = b"text".to_vec();
        for word in [140, path.len() as u32, 17, 9, 140, 4, 17, 9] {
            bytes.extend_from_slice(&u32::to_le_bytes(word));
        }
        let kept = bytes[20..].to_vec();
        bytes.extend_from_slice(&[b'.'; 4]);
        bytes.extend_from_slice(path);
        let offset = walrus::ConstExpr::Value(walrus::ir::Value::I32(100));
        module.data.add(DataKind::Active { memory, offset }, bytes);
        forget_places(&mut module);
        let blanked = &module.data.iter().next().unwrap().value;
        assert_eq!(&blanked[..4], b"text");
        assert_eq!(blanked[4..20], [0; 16]);
        assert_eq!(blanked[20..36], kept);
        assert_eq!(&blanked[36..40], b"....");
        assert_eq!(blanked[40..], [0; 19]);
    }
}
