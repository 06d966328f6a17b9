//! The forum in a real browser: two people on two nodes, with and without JavaScript, by keyboard
//! alone, among hostile documents and pages; every page on a phone and on a desk, light and dark.
//!
//! The story is in `main.mjs`: playwright-core drives Debian's chromium, and axe-core looks at the
//! pages. Both are one package each without any dependency; a driver in Rust would need
//! chromedriver, some sixty crates, and npm all the same for axe-core. Where something is missing the
//! test says that it was skipped and how to install it, and fails if `CLIQUECLIQUE_BROWSER=required`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names under which chromium is installed.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

/// Chromium, or what to do about what is missing.
fn browser(folder: &Path) -> Result<PathBuf, String> {
    let chosen = std::env::var_os("CLIQUECLIQUE_CHROMIUM").map(PathBuf::from);
    let browser = chosen.or_else(|| BROWSERS.iter().find_map(|name| found(name)));
    let browser = browser.ok_or("no chromium: apt-get install chromium")?;
    if found("node").is_none() {
        return Err("no Node.js: apt-get install nodejs npm".to_owned());
    }
    if !folder.join("node_modules/playwright-core").is_dir() {
        return Err(format!(
            "no playwright-core: npm ci --prefix {}",
            folder.display()
        ));
    }
    Ok(browser)
}

#[test]
#[allow(clippy::print_stderr, reason = "who skips a test must say so")]
fn two_people_tell_the_whole_story_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let browser = match browser(&folder) {
        Ok(browser) => browser,
        Err(missing) => {
            let required = std::env::var_os("CLIQUECLIQUE_BROWSER").is_some();
            assert!(!required, "the test in a browser cannot run: {missing}");
            eprintln!("SKIPPED: the test in a browser: {missing}");
            return;
        }
    };
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let ended = Command::new("node")
        .arg(folder.join("main.mjs"))
        .arg(env!("CARGO_BIN_EXE_cliqueclique"))
        .arg(browser)
        .arg(pictures)
        .stdin(Stdio::null())
        .status()
        .expect("node runs");
    assert!(ended.success(), "what failed is told above");
}
