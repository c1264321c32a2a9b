//! A running server on a folder of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::Duration;

use crate::{Caller, Cloud, Oidc, Place, bin};

/// The bootstrap user's name.
pub const ADMIN: &str = "admin";
/// The password of the bootstrap user and of every user the harness makes.
pub const PASSWORD: &str = "passWord@1";

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// One configuration value as an environment variable.
pub type Setting<'a> = (&'a str, &'a str);

/// A server process; dropping it kills the process by its id and removes its folder.
pub struct Desk {
    folder: tempfile::TempDir,
    settings: BTreeMap<String, String>,
    process: Mutex<Process>,
}

struct Process {
    child: Child,
    base: String,
}

impl Desk {
    /// Starts a server of its own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server of its own that believes the OIDC provider of this run, if there is one.
    pub(crate) fn start_believing() -> Self {
        let settings = Oidc::settings_if_here();
        Self::start_with(&settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>())
    }

    /// Starts a server of its own with more settings.
    pub fn start_with(settings: &[Setting<'_>]) -> Self {
        let folder = tempfile::Builder::new().prefix("eventdesk-it-").tempdir().expect("a temporary folder");
        let mut all = quick_settings(&folder.path().join("data"));
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let mut command = bin::start("eventdesk");
        command.arg("serve").envs(&all);
        let process = Mutex::new(Process::start(command, &folder.path().join("server.log")));
        Self { folder, settings: all, process }
    }

    /// Starts a server on the services of a deployed stack.
    pub fn start_on(cloud: &Cloud) -> Self {
        let settings = cloud.server_settings();
        Self::start_with(&settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>())
    }

    /// The server most tests share; it lives as long as someone holds it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Desk>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(desk) = shared.upgrade() {
            return desk;
        }
        let desk = Arc::new(Self::start());
        *shared = Arc::downgrade(&desk);
        desk
    }

    /// A command for the same binary and settings, for starting it in another way.
    pub fn command(&self) -> Command {
        let mut command = bin::start("eventdesk");
        command.envs(&self.settings);
        command
    }

    /// Its settings as environment variables.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything the server wrote to standard error so far, in all its lives.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// `http://127.0.0.1:port`.
    pub fn base(&self) -> String {
        self.locked().base.clone()
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.locked().child.id()
    }

    /// A caller without a token, on a connection pool of its own.
    pub fn visitor(&self) -> Caller {
        Caller::new(&self.base())
    }

    /// Logs in with the harness's password.
    pub async fn login(&self, username: &str) -> Caller {
        self.login_as(username, PASSWORD).await
    }

    /// Logs in.
    pub async fn login_as(&self, username: &str, password: &str) -> Caller {
        self.visitor().login(username, password).await
    }

    /// Logs in as the bootstrap user.
    pub async fn admin(&self) -> Caller {
        self.login(ADMIN).await
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&self) {
        bin::end(&mut self.locked().child);
    }

    /// Sends SIGTERM and returns at once.
    pub fn ask_to_stop(&self) {
        bin::terminate(&self.locked().child);
    }

    /// Waits for the server to end after [`Desk::ask_to_stop`].
    pub fn wait_stopped(&self) -> ExitStatus {
        let status = bin::exit_within(&mut self.locked().child, STOPPED_WITHIN);
        status.unwrap_or_else(|| panic!("still running after {STOPPED_WITHIN:?}:\n{}", tail(&self.log())))
    }

    /// Stops the server as an operator does.
    pub fn stop(&self) -> ExitStatus {
        self.ask_to_stop();
        self.wait_stopped()
    }

    /// Starts the ended server again on the same folder; its port may be another.
    pub fn restart(&self) {
        let mut command = self.command();
        command.arg("serve");
        self.restart_by(command);
    }

    /// Starts the ended server again by this command.
    pub fn restart_by(&self, mut command: Command) {
        let mut process = self.locked();
        bin::end(&mut process.child);
        bin::cleanse(&mut command);
        command.envs(&self.settings);
        *process = Process::start(command, &self.folder.path().join("server.log"));
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Place for Desk {
    fn base(&self) -> String {
        Self::base(self)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), tail(&self.log()).as_bytes());
        }
    }
}

impl Process {
    fn start(mut command: Command, log: &Path) -> Self {
        let log_file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let mut child = command.stdout(Stdio::piped()).stderr(log_file).spawn().expect("the server starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let (lines, first) = mpsc::channel();
        // Reads on to the end, so that a chatty server never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        loop {
            let Ok(line) = first.recv_timeout(READY_WITHIN) else {
                bin::end(&mut child);
                let text = std::fs::read_to_string(log).unwrap_or_default();
                panic!("{command:?} never said it is ready:\n{}", tail(&text));
            };
            if let Some(base) = address_in(&line) {
                return Self { child, base };
            }
        }
    }
}

fn address_in(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    let rest = &line[start + "http://".len()..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
    let base = format!("http://{}", rest[..end].trim_end_matches(['.', ':']));
    base.rsplit(':').next()?.parse::<u16>().is_ok().then_some(base)
}

/// Loopback, a port of the system's choice, cheap hashes and no limits on how fast tests may go.
pub(crate) fn quick_settings(data: &Path) -> BTreeMap<String, String> {
    let data = data.to_string_lossy();
    [
        ("EVENTDESK_LISTEN", "127.0.0.1:0"),
        ("EVENTDESK_DATA", data.as_ref()),
        ("EVENTDESK_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD),
        ("EVENTDESK_LIMITS_REQUESTS_PER_MINUTE_PER_PRINCIPAL", "0"),
        ("EVENTDESK_LIMITS_LOGIN_FAILURES_PER_MINUTE", "0"),
        ("EVENTDESK_PASSWORDS_ARGON2_MEMORY_KIB", "64"),
        ("EVENTDESK_PASSWORDS_ARGON2_ITERATIONS", "1"),
        ("EVENTDESK_PASSWORDS_ARGON2_LANES", "1"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut tail = lines[lines.len().saturating_sub(40)..].join("\n");
    tail.push('\n');
    tail
}
