//! How many tests an output tells of: libtest's `test result:` lines, and the summary of Node's `spec` reporter.
//! The command's status has the last word: a failure that nobody counted (it did not compile, say) is one failed test.

use std::fmt;
use std::ops::AddAssign;

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        for (number, word) in [(self.failed, "failed"), (self.skipped, "skipped")] {
            if number > 0 {
                write!(f, ", {number} {word}")?;
            }
        }
        Ok(())
    }
}

/// A lint is one test.
pub fn lint(_printed: &str, success: bool) -> Count {
    Count {
        passed: u32::from(success),
        failed: u32::from(!success),
        skipped: 0,
    }
}

/// The sum over cargo's test programs.
pub fn libtest(printed: &str, success: bool) -> Count {
    let mut count = Count::default();
    for line in printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: "))
    {
        for part in line.split([';', '.']) {
            let mut words = part.split_whitespace();
            match (
                words.next().and_then(|number| number.parse::<u32>().ok()),
                words.next(),
            ) {
                (Some(number), Some("passed")) => count.passed += number,
                (Some(number), Some("failed")) => count.failed += number,
                (Some(number), Some("ignored")) => count.skipped += number,
                _ => {}
            }
        }
    }
    or_one_failed(count, success)
}

/// Node's summary; what it cancelled did not pass.
pub fn node(printed: &str, success: bool) -> Count {
    let mut count = Count::default();
    for line in printed.lines().filter_map(|line| line.strip_prefix("ℹ ")) {
        match line
            .split_once(' ')
            .and_then(|(word, number)| Some((word, number.parse::<u32>().ok()?)))
        {
            Some(("pass", number)) => count.passed += number,
            Some(("fail" | "cancelled", number)) => count.failed += number,
            Some(("skipped" | "todo", number)) => count.skipped += number,
            _ => {}
        }
    }
    or_one_failed(count, success)
}

/// Whether a line of Node's output names a skipped test.
pub fn is_skipped(line: &str) -> bool {
    line.trim_start().starts_with('﹣')
}

fn or_one_failed(mut count: Count, success: bool) -> Count {
    if !success && count.failed == 0 {
        count.failed = 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rusts_results_are_added_up() {
        let printed = "running 3 tests\n\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
                       test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(
            libtest(printed, false),
            Count {
                passed: 5,
                failed: 4,
                skipped: 1
            }
        );
    }

    #[test]
    fn nodes_summary_is_read() {
        let printed = "✔ a (1ms)\n﹣ b (0ms) # no Chromium\nℹ tests 9\nℹ suites 1\nℹ pass 5\nℹ fail 1\nℹ cancelled 2\nℹ skipped 1\nℹ todo 0\n";
        assert_eq!(
            node(printed, false),
            Count {
                passed: 5,
                failed: 3,
                skipped: 1
            }
        );
        assert_eq!(printed.lines().filter(|line| is_skipped(line)).count(), 1);
    }

    #[test]
    fn a_failure_that_nobody_counted_counts() {
        assert_eq!(libtest("error: could not compile", false).failed, 1);
        assert_eq!(node("", false).failed, 1);
        assert_eq!(lint("", false).failed, 1);
        assert_eq!(lint("", true).passed, 1);
    }
}
