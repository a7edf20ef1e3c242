//! A Redis of the test's own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Serves until it is dropped.
pub struct Redis {
    pub url: String,
    process: Child,
    _folder: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "redis-server: {error}: make test installs it, or apt-get install redis-server"
                )
            });
        let mut redis = Self { url: format!("redis://{address}"), process, _folder: folder };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert_eq!(redis.process.try_wait().unwrap(), None, "redis-server ended");
            assert!(begun.elapsed() < Duration::from_secs(30), "redis-server does not serve");
            std::thread::sleep(Duration::from_millis(10));
        }
        redis
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Fails where it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
