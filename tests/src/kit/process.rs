//! Processes that cannot outlive the test run.
//!
//! A small shell stands between the test and each program: when the test process ends, however it ends, the
//! shell's stdin closes and it stops the program. A test that fails or is interrupted leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Starts `"$@"`, says its pid, and stops it when stdin closes. `$LEFT` is removed afterwards if it is set.
const GUARDIAN: &str = r#"
exec 3<&0
"$@" </dev/null &
p=$!
echo "$p"
exec 1>&-
( cat <&3 >/dev/null; kill -TERM "$p" 2>/dev/null
  i=0; while kill -0 "$p" 2>/dev/null && [ $i -lt 150 ]; do sleep 0.1; i=$((i+1)); done
  kill -KILL "$p" 2>/dev/null ) &
exec 3<&-
wait "$p"; code=$?
[ -n "$LEFT" ] && [ "$code" != 137 ] && rm -rf "$LEFT"
exit $code
"#;

/// How long a program may take to say its first line and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program and its guardian.
pub struct Process {
    /// What it is, for messages.
    pub name: String,
    guardian: Child,
    stdin: Option<ChildStdin>,
    pid: Pid,
    lines: Mutex<Receiver<String>>,
    stderr: PathBuf,
    ended: bool,
}

impl Process {
    /// Starts a program. What it writes to stderr goes to a file in `folder`; `left`, when given, is removed
    /// after it has ended.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, command: &Command, folder: &Path, left: Option<&Path>) -> Self {
        let stderr = folder.join(format!("{name}.stderr"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&stderr).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", GUARDIAN, "guardian"])
            .arg(command.get_program())
            .args(command.get_args());
        shell.env("LEFT", left.map_or_else(Default::default, |left| left.as_os_str().to_owned()));
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(variable, value),
                None => shell.env_remove(variable),
            };
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut guardian = shell.spawn().expect("a shell");
        let stdin = guardian.stdin.take();
        let output = BufReader::new(guardian.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let pid = lines.recv_timeout(PATIENCE).expect("the guardian says a pid");
        let pid = Pid::from_raw(pid.parse().expect("a pid"));
        Self {
            name: name.to_owned(),
            guardian,
            stdin,
            pid,
            lines: Mutex::new(lines),
            stderr,
            ended: false,
        }
    }

    /// The next line of its stdout.
    ///
    /// # Panics
    /// When there is none in a minute; the message ends with what it wrote to stderr.
    #[must_use]
    pub fn line(&self) -> String {
        self.lines.lock().unwrap().recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("{} says nothing. Its stderr:\n{}", self.name, self.stderr_tail())
        })
    }

    /// The next line of its stdout; none when it ends before it says one.
    ///
    /// # Panics
    /// When it goes on without a word for a minute.
    #[must_use]
    pub fn first_line(&self) -> Option<String> {
        match self.lines.lock().unwrap().recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{} says nothing. Its stderr:\n{}", self.name, self.stderr_tail())
            }
        }
    }

    /// The end of what it wrote to stderr.
    #[must_use]
    pub fn stderr_tail(&self) -> String {
        let text = self.stderr();
        let start = text.char_indices().rev().nth(6000).map_or(0, |(place, _)| place);
        text[start..].to_owned()
    }

    /// All it wrote to stderr.
    #[must_use]
    pub fn stderr(&self) -> String {
        let bytes = std::fs::read(&self.stderr).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it still runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        !self.ended && alive(self.pid)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if self.runs() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    /// Asks it to stop and waits; its exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits for its end; its exit code (128 + n when signal n ended it).
    ///
    /// # Panics
    /// When it does not end in a minute.
    pub fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.guardian.try_wait().expect("a guardian") {
                self.ended = true;
                self.stdin = None;
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "{} does not end", self.name);
            pause();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill(self.pid, Signal::SIGTERM);
            self.stdin = None;
            self.wait();
        }
    }
}

/// Whether a process exists and is more than a zombie's entry.
#[must_use]
pub fn alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
    state.is_some_and(|state| state != 'Z')
}

/// Processes whose command line names this folder.
#[must_use]
pub fn using(folder: &Path) -> Vec<Pid> {
    let wanted = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        // Neither this process nor a guardian, which ends a moment after what it guards.
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let own = pid == nix::unistd::getpid().as_raw() || name.trim_end() == "sh";
        if !own && String::from_utf8_lossy(&line).contains(&wanted) && alive(Pid::from_raw(pid)) {
            found.push(Pid::from_raw(pid));
        }
    }
    found
}

/// Ends what still uses a folder; how many that were.
#[must_use]
pub fn sweep(folder: &Path) -> usize {
    let left = using(folder);
    for pid in &left {
        let _ = kill(*pid, Signal::SIGKILL);
    }
    let deadline = Instant::now() + PATIENCE;
    while !using(folder).is_empty() && Instant::now() < deadline {
        pause();
    }
    left.len()
}

/// Between two looks at a process, from code that is not asynchronous.
pub fn pause() {
    #[expect(clippy::disallowed_methods, reason = "a pause between two looks at a condition")]
    std::thread::sleep(Duration::from_millis(10));
}
