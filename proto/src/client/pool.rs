//! A channel for each address of a service, and which of them the next call takes.
//!
//! A headless Service of Kubernetes answers a look-up with the addresses of all its ready pods: each gets a channel of its
//! own, connected at its first call. Names are looked up every few seconds, and at once after a failure; addresses that are
//! gone get no new calls, and streams under way there go on. A name service that fails changes nothing.
//!
//! tonic can balance over channels itself (`Channel::balance_channel`), but it picks by load, and a dead address is the
//! least loaded of all: it fails fastest, so it is picked again and again, also by a retry. Here an address that failed
//! rests, and a retry goes to another: see [`rotation`](super::rotation).

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tonic::{
    service::interceptor::InterceptedService,
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use super::{
    CallError, ClientConfig, ClientError,
    bearer::Bearer,
    credentials::Credentials,
    rotation::{Rotation, Turn},
    target::{self, Target},
    trace::Traced,
};

const LOOK_UP_EVERY: Duration = Duration::from_secs(5);
/// Between two look-ups, however many calls fail.
const LOOK_UP_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// What the generated clients send through.
pub(super) type Authorized = InterceptedService<Traced<Channel>, Bearer>;

/// All addresses of one service. Its tasks end with it.
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// Looks names up, and at files.
    _upkeep: JoinSet<()>,
}

struct Shared {
    targets: Vec<Target>,
    state: Mutex<State>,
    /// A name should be looked up before its time.
    wanted: Notify,
    /// How many look-ups have ended.
    rounds: watch::Sender<u64>,
}

struct State {
    bearer: Bearer,
    /// One for each target.
    endpoints: Vec<Endpoint>,
    /// One for each target.
    known: Vec<Known>,
    rotation: Rotation<Place>,
    channels: HashMap<Place, Channel>,
}

/// What a target's name stands for.
#[derive(Clone, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    /// Why the last look-up failed.
    error: Option<String>,
}

/// An address, by way of the URL that led there: that one's host is the name that its certificate must bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    target: usize,
    address: SocketAddr,
}

/// Where a call has been.
#[derive(Default)]
pub(super) struct Tried(Mutex<Vec<Place>>);

/// A channel to use once, and to tell of.
pub(super) struct Picked {
    pub(super) turn: Turn<Place>,
    pub(super) channel: Authorized,
}

impl Pool {
    /// Reads the files; connects at the first call.
    pub(super) fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let targets = Target::parse(&config.url)?;
        let Credentials { bearer, trust, token_file, tls_files } = Credentials::read(config)?;
        let state = State {
            bearer,
            endpoints: endpoints(&targets, trust.as_ref())?,
            known: vec![Known::default(); targets.len()],
            rotation: Rotation::new(rand::random_range(0..1024)),
            channels: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            targets,
            state: Mutex::new(state),
            wanted: Notify::new(),
            rounds: watch::Sender::new(0),
        });
        let mut upkeep = JoinSet::new();
        upkeep.spawn(shared.clone().keep_looking_up());
        if let Some(mut file) = token_file {
            let shared = shared.clone();
            upkeep.spawn(async move {
                loop {
                    let bearer = file.next().await;
                    shared.state().bearer = bearer;
                }
            });
        }
        if let Some(mut files) = tls_files {
            let shared = shared.clone();
            upkeep.spawn(async move {
                loop {
                    let trust = files.next().await;
                    shared.trust(&trust);
                }
            });
        }
        Ok(Self { shared, _upkeep: upkeep })
    }

    /// What [`Pool::new`] would refuse.
    pub(super) fn check(config: &ClientConfig) -> Result<(), ClientError> {
        let targets = Target::parse(&config.url)?;
        let credentials = Credentials::read(config)?;
        endpoints(&targets, credentials.trust.as_ref()).map(drop)
    }

    /// A channel for the next attempt of a call that was at `tried`. Waits for a look-up while no address is known.
    pub(super) async fn pick(&self, tried: &Tried) -> Result<Picked, CallError> {
        let mut rounds = self.shared.rounds.subscribe();
        if let Some(picked) = self.shared.pick(tried) {
            return Ok(picked);
        }
        self.shared.wanted.notify_one();
        let looked_up = rounds.changed().await.is_ok();
        looked_up
            .then(|| self.shared.pick(tried))
            .flatten()
            .ok_or_else(|| CallError::no_address(self.shared.state().why_no_address()))
    }

    /// Learns from what became of an attempt, and says in its error where it was.
    pub(super) fn judge<R>(
        &self,
        turn: Turn<Place>,
        result: Result<R, CallError>,
    ) -> Result<R, CallError> {
        let Place { target, address } = turn.key;
        let name = || self.shared.targets[target].describe(address);
        match result {
            Err(error) if error.is_of_the_address() => {
                let error = error.at(&name());
                let left_out =
                    self.shared.state().rotation.failed(turn, Instant::now(), rand::random());
                if left_out {
                    tracing::info!(%error, "calls go elsewhere for a while, where they can");
                }
                self.shared.wanted.notify_one();
                Err(error)
            }
            answered => {
                if self.shared.state().rotation.worked(turn) {
                    tracing::info!(address = name(), "answers again");
                }
                answered
            }
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pick(&self, tried: &Tried) -> Option<Picked> {
        let mut tried = tried.0.lock().unwrap_or_else(PoisonError::into_inner);
        let picked = self.state().pick(&tried)?;
        tried.push(picked.turn.key);
        Some(picked)
    }

    /// New certificates, or another CA: new connections for new calls.
    fn trust(&self, trust: &ClientTlsConfig) {
        match endpoints(&self.targets, Some(trust)) {
            Ok(endpoints) => {
                let mut state = self.state();
                state.endpoints = endpoints;
                state.channels.clear();
            }
            Err(error) => tracing::error!(%error, "certificates can't be used"),
        }
    }

    async fn keep_looking_up(self: Arc<Self>) {
        loop {
            self.look_up().await;
            tokio::time::sleep(LOOK_UP_AT_MOST_EVERY).await;
            tokio::select! {
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(LOOK_UP_EVERY - LOOK_UP_AT_MOST_EVERY) => {}
            }
        }
    }

    /// Looks all names up, side by side. What one of them stands for is used at once.
    async fn look_up(&self) {
        let mut lookups = JoinSet::new();
        for (index, target) in self.targets.iter().cloned().enumerate() {
            lookups.spawn(async move { (index, target.look_up().await) });
        }
        while let Some(Ok((target, found))) = lookups.join_next().await {
            if self.state().found(target, found) {
                self.rounds.send_modify(|rounds| *rounds += 1);
            }
        }
        self.rounds.send_modify(|rounds| *rounds += 1);
    }
}

impl State {
    fn pick(&mut self, tried: &[Place]) -> Option<Picked> {
        let turn = self.rotation.pick(tried, Instant::now())?;
        let Place { target, address } = turn.key;
        let endpoint = &self.endpoints[target];
        let channel =
            self.channels.entry(turn.key).or_insert_with(|| target::channel(endpoint, address));
        let channel = InterceptedService::new(Traced(channel.clone()), self.bearer.clone());
        Some(Picked { turn, channel })
    }

    /// What a look-up found. When it failed, what was known before stays. True: there are addresses now.
    fn found(&mut self, target: usize, found: Result<Vec<SocketAddr>, String>) -> bool {
        let known = &mut self.known[target];
        let addresses = match found {
            Ok(addresses) => addresses,
            Err(error) => {
                if known.error.is_none() {
                    tracing::warn!(%error, "a look-up failed; what was known before stays in use");
                }
                known.error = Some(error);
                return false;
            }
        };
        *known = Known { addresses, error: None };
        let places: Vec<_> = self
            .known
            .iter()
            .enumerate()
            .flat_map(|(target, known)| {
                known.addresses.iter().map(move |&address| Place { target, address })
            })
            .collect();
        self.rotation.replace(&places, Instant::now());
        self.channels.retain(|place, _| places.contains(place));
        true
    }

    fn why_no_address(&self) -> String {
        let errors: Vec<_> = self.known.iter().filter_map(|known| known.error.clone()).collect();
        errors.join("; ")
    }
}

fn endpoints(
    targets: &[Target],
    trust: Option<&ClientTlsConfig>,
) -> Result<Vec<Endpoint>, ClientError> {
    targets.iter().map(|target| target.endpoint(trust)).collect()
}
