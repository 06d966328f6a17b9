//! A router of our own, for machines where nobody runs one: emissary, in this process, with its
//! data in the data folder. It is started when it is first needed, and again if it ends. What
//! it learned of the network is kept; if that is too little, it is fetched from the public
//! reseed servers, which see the IP address of who asks.

use emissary_core::router::Router;
use emissary_core::{Config, Ntcp2Config, SamConfig, TransitConfig};
use emissary_util::reseeder::Reseeder;
use emissary_util::runtime::tokio::Runtime;
use emissary_util::storage::{Storage, StorageBundle};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::interval;

/// Folder in the data folder.
const FOLDER: &str = "router";
/// Fewer known routers than this are too few to build tunnels; emissary's own number.
const FEW: usize = 25;
/// Tunnels of others that it carries at most: who takes part hides better. Guess.
const CARRIED: usize = 200;
/// How often its news is thrown away.
const NEWS: Duration = Duration::from_secs(5);
/// The network that everybody is in.
const PUBLIC: u8 = 2;

/// Settings of the embedded router.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Own {
    /// TCP port that others reach it at; 0 for any, which is told to nobody.
    pub(crate) port: u16,
    /// Ask public servers for routers if too few are known.
    pub(crate) reseed: bool,
    /// Number of the network; 2 is the public one, others are for tests on this machine.
    pub(crate) network: u8,
    /// A folder with what is known of other routers, for such tests.
    pub(crate) known: Option<PathBuf>,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            port: 0,
            reseed: true,
            network: PUBLIC,
            known: None,
        }
    }
}

/// The router, running or not.
#[derive(Debug)]
pub(crate) struct Embedded {
    folder: PathBuf,
    own: Own,
    running: Mutex<Option<(JoinHandle<()>, u16)>>,
}

fn failed(error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("the embedded I2P router cannot start: {error}"))
}

impl Embedded {
    /// Not started yet.
    pub(crate) fn new(data: &std::path::Path, own: Own) -> Self {
        Self {
            folder: data.join(FOLDER),
            own,
            running: Mutex::new(None),
        }
    }

    /// Where its SAM bridge is; starts it if need be.
    ///
    /// # Errors
    /// It cannot start.
    pub(super) async fn sam(&self) -> io::Result<(String, u16)> {
        let mut running = self.running.lock().await;
        let port = match &*running {
            Some((task, port)) if !task.is_finished() => *port,
            Some(_) | None => {
                let (task, port) = self.start().await?;
                *running = Some((task, port));
                port
            }
        };
        Ok((Ipv4Addr::LOCALHOST.to_string(), port))
    }

    async fn start(&self) -> io::Result<(JoinHandle<()>, u16)> {
        tracing::info!("starting the embedded I2P router");
        let storage = Storage::new::<Runtime>(Some(self.folder.clone()));
        let storage = storage.await.map_err(|error| failed(&error))?;
        let mut bundle = storage.load().await;
        if bundle.routers.len() < FEW {
            self.learn(&storage, &mut bundle).await?;
        }
        let config = self.config(bundle);
        let started = Router::<Runtime>::new(config, None, Some(Arc::new(storage.clone()))).await;
        let (router, mut events, info) = started.map_err(|error| failed(&format!("{error:?}")))?;
        let stored = storage.store_local_router_info(info).await;
        stored.map_err(|error| failed(&error))?;
        let sam = router.protocol_address_info().sam_tcp;
        let sam = sam.ok_or_else(|| failed(&"it has no SAM bridge"))?;
        let task = tokio::spawn(async move {
            tokio::pin!(router);
            let mut news = interval(NEWS);
            loop {
                tokio::select! {
                    () = &mut router => return,
                    // Unread, it would pile up.
                    _ = news.tick() => while events.router_status().is_some() {},
                }
            }
        });
        Ok((task, sam.port()))
    }

    /// Other routers, from a folder or from the reseed servers.
    async fn learn(&self, storage: &Storage, bundle: &mut StorageBundle) -> io::Result<()> {
        if let Some(folder) = &self.own.known {
            for file in std::fs::read_dir(folder)? {
                bundle.routers.push(std::fs::read(file?.path())?);
            }
        }
        if !self.own.reseed || self.own.network != PUBLIC {
            return Ok(());
        }
        let found = Reseeder::reseed::<Runtime>(None, false).await;
        for router in found.map_err(|error| failed(&error))? {
            let stored = storage.store_router_info(router.name, router.router_info.clone());
            stored.await.map_err(|error| failed(&error))?;
            bundle.routers.push(router.router_info);
        }
        Ok(())
    }

    fn config(&self, bundle: StorageBundle) -> Config {
        let test = self.own.network != PUBLIC;
        let ntcp2 = Ntcp2Config {
            ipv4: true,
            ipv4_host: test.then_some(Ipv4Addr::LOCALHOST),
            ipv6: false,
            ipv6_host: None,
            iv: bundle.ntcp2_iv,
            key: bundle.ntcp2_key,
            port: self.own.port,
            publish: test || self.own.port != 0,
            ml_kem: None,
            disable_pq: true,
        };
        Config {
            net_id: Some(self.own.network),
            insecure_tunnels: test,
            allow_local: test,
            ntcp2: Some(ntcp2),
            profiles: bundle.profiles,
            router_info: bundle.router_info,
            routers: bundle.routers,
            samv3_config: Some(SamConfig {
                tcp_port: 0,
                udp_port: 0,
                host: Ipv4Addr::LOCALHOST.to_string(),
            }),
            signing_key: Some(bundle.signing_key),
            static_key: Some(bundle.static_key),
            transit: Some(TransitConfig {
                max_tunnels: Some(CARRIED),
            }),
            ..Default::default()
        }
    }
}
