//! Rust to small wasm with its JavaScript glue: cargo, then wasm-bindgen (as a library), then wasm-opt.
//! Each module's result stands in `build/wasm/<name>/`, stamped with what it was made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use super::slim;
use crate::children::quiet;
use crate::node;
use crate::plan::{Outcome, Plan};
use crate::project::{Project, Stamp, files_below, read, write, write_if_changed};
use crate::rust::{WASM, cargo};

/// Where a module's code runs, which decides the form of its glue.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Workerd,
    Browser,
}

struct Module {
    /// The name of the result.
    name: &'static str,
    /// The file cargo makes.
    file: &'static str,
    place: Place,
    /// What wasm-opt is told beside [`FEATURES`].
    passes: &'static [&'static str],
    /// It draws pages: what a customer waits for is its size.
    is_page: bool,
}

/// Small, and as fast as it was: the Worker's exceptions cannot be laid flat, and the vault's loops are waited for.
const SMALL: &[&str] = &["-Oz"];
/// Laid flat and put together anew, a page's program packs better still.
const SMALLEST: &[&str] = &["--flatten", "--rereloop", "-Oz", "-Oz"];
/// A key worker's module is small by nature, and its user waits for what it computes.
const FAST: &[&str] = &["-O3"];
/// The same, of two and two.
const FAST_FUSED: &[&str] = &["-O3", "--enable-simd", "--enable-relaxed-simd"];

const MODULES: [Module; 6] = [
    Module {
        name: "index",
        file: "kindling_worker.wasm",
        place: Place::Workerd,
        passes: SMALL,
        is_page: false,
    },
    Module {
        name: "shop",
        file: "shop.wasm",
        place: Place::Browser,
        passes: SMALLEST,
        is_page: true,
    },
    Module {
        name: "order",
        file: "order.wasm",
        place: Place::Browser,
        passes: SMALLEST,
        is_page: true,
    },
    Module {
        name: "vault",
        file: "vault.wasm",
        place: Place::Browser,
        passes: SMALL,
        is_page: false,
    },
    Module {
        name: "primes_scalar",
        file: "primes_scalar.wasm",
        place: Place::Browser,
        passes: FAST,
        is_page: false,
    },
    Module {
        name: "primes_fused",
        file: "primes_fused.wasm",
        place: Place::Browser,
        passes: FAST_FUSED,
        is_page: false,
    },
];

/// What the Rust compiler may emit for this target; the Worker's abort handling adds exceptions.
const FEATURES: [&str; 7] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
    "--enable-exception-handling",
];

/// Says that what is taken out has changed, so that what was made before is made anew.
const RECIPE: &[u8] = include_bytes!("slim.rs");

/// Adds the steps.
pub fn steps(plan: &mut Plan) {
    plan.add("worker wasm", |project| compile(project, "kindling-worker"));
    plan.add("app wasm", |project| compile(project, "kindling-app"));
    plan.add("key worker wasm", |project| {
        compile(project, "kindling-primes")
    });
    plan.add("glue and wasm-opt", finish);
    plan.add("worker", worker);
}

/// Where the finished files of one module are.
pub fn result(project: &Project, name: &str) -> PathBuf {
    project.build("wasm").join(name)
}

fn compile(project: &Project, package: &str) -> Result<Outcome> {
    let mut command = cargo(project);
    command.args(["build", "--release", "--target", WASM, "--package", package]);
    let printed = quiet(project, &mut command)?;
    Ok(if printed.contains("Compiling") {
        Outcome::Done
    } else {
        Outcome::Unchanged
    })
}

fn finish(project: &Project) -> Result<Outcome> {
    let compiled = target_folder(project)?.join(WASM).join("release");
    let lock = read(&project.path("package-lock.json"))?;
    // Two cores are enough to gain from it: wasm-opt is single-threaded.
    let results: Vec<Result<Outcome>> = thread::scope(|scope| {
        let running: Vec<_> = MODULES
            .iter()
            .map(|module| {
                scope.spawn(|| finish_one(project, module, &compiled.join(module.file), &lock))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("wasm-bindgen panicked")))
            })
            .collect()
    });
    let mut outcome = Outcome::Unchanged;
    for result in results {
        if matches!(result?, Outcome::Done) {
            outcome = Outcome::Done;
        }
    }
    Ok(outcome)
}

fn finish_one(project: &Project, module: &Module, compiled: &Path, lock: &[u8]) -> Result<Outcome> {
    let input = read(compiled)?;
    let folder = result(project, module.name);
    let options = [module.passes, &FEATURES].concat();
    // The lock file stands for binaryen's version; wasm-bindgen's is in the compiled file itself.
    let stamp = Stamp::new(
        folder.join("stamp"),
        &[RECIPE, options.join(" ").as_bytes(), lock, &input],
    );
    if stamp.is_current() {
        return Ok(Outcome::Unchanged);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the last build")?;
    }
    bindgen(module, compiled, &input, &folder)
        .with_context(|| format!("wasm-bindgen, {}", module.name))?;
    let wasm = folder.join(format!("{}_bg.wasm", module.name));
    let optimised = folder.join("optimised.wasm");
    let mut command = node::wasm_opt(project);
    command.args(options).arg(&wasm).arg("-o").arg(&optimised);
    quiet(project, &mut command)?;
    fs::rename(&optimised, &wasm).context("cannot move wasm-opt's result")?;
    stamp.set()?;
    Ok(Outcome::Done)
}

fn bindgen(module: &Module, compiled: &Path, input: &[u8], folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.out_name(module.name).typescript(false);
    match module.place {
        Place::Browser => {
            bindgen.input_bytes(module.name, slim::before_bindgen(input, module.is_page)?);
            // The wasm's name has a hash, so the page names it.
            bindgen.web(true)?.omit_default_module_path(true);
        }
        Place::Workerd => {
            bindgen
                .input_path(compiled)
                .module(true)?
                .reset_state_function(true)
                .force_enable_abort_handler(true);
        }
    }
    bindgen.generate(folder)?;
    let path = folder.join(format!("{}.js", module.name));
    let glue = String::from_utf8(read(&path)?)?;
    match module.place {
        Place::Workerd => write(&path, plain_import(&glue)?.as_bytes()),
        Place::Browser => {
            let program = folder.join(format!("{}_bg.wasm", module.name));
            let (slim, glue) = slim::after_bindgen(&read(&program)?, &glue)?;
            write(&program, &slim)?;
            write(&path, glue.as_bytes())
        }
    }
}

/// workerd gives a compiled module to a plain `import` of a .wasm file; the source-phase import is not known to wrangler.
fn plain_import(glue: &str) -> Result<String> {
    match glue.matches("import source ").count() {
        1 => Ok(glue.replacen("import source ", "import ", 1)),
        other => bail!("expected one source-phase import in the glue, found {other}"),
    }
}

/// Puts the Worker's parts side by side, where wrangler.toml expects them.
fn worker(project: &Project) -> Result<Outcome> {
    let target = project.build("worker");
    let made = result(project, "index");
    let mut wanted = vec![PathBuf::from("entry.js")];
    let mut changed = write_if_changed(
        &target.join("entry.js"),
        &read(&project.path("worker/entry.js"))?,
    )?;
    for file in files_below(&made)?
        .into_iter()
        .filter(|file| !file.ends_with("stamp"))
    {
        changed |= write_if_changed(&target.join(&file), &read(&made.join(&file))?)?;
        wanted.push(file);
    }
    for file in files_below(&target)?
        .into_iter()
        .filter(|file| !wanted.contains(file))
    {
        fs::remove_file(target.join(file)).context("cannot remove an old file")?;
        changed = true;
    }
    Ok(if changed {
        Outcome::Done
    } else {
        Outcome::Unchanged
    })
}

/// Where cargo builds to; a developer may have moved it.
fn target_folder(project: &Project) -> Result<PathBuf> {
    let output = cargo(project)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::plain_import;

    #[test]
    fn only_the_known_import_is_rewritten() {
        let glue = "import source wasmModule from \"./index_bg.wasm\";\nlet a;";
        assert_eq!(
            plain_import(glue).unwrap(),
            "import wasmModule from \"./index_bg.wasm\";\nlet a;"
        );
        assert!(plain_import("import wasmModule from \"./index_bg.wasm\";").is_err());
    }
}
