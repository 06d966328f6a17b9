//! Real processes over real I2P: a network of its own of emissary routers in this process, on
//! loopback, with a private network id. Slow: tunnels are built first.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of a real network tells how long it took"
)]

mod common;

use common::{Workspace, eventually};
use emissary_core::router::Router;
use emissary_core::runtime::Runtime as _;
use emissary_core::{Config, Ntcp2Config, SamConfig, TransitConfig};
use emissary_util::runtime::tokio::Runtime;
use rand::Rng;
use std::time::{Duration, Instant};

/// Routers that only carry; the first two of them know where everything is.
const CARRIERS: usize = 4;
/// For what takes tens of seconds: I2P finds things slowly, and the core's pauses double.
const PATIENCE: Duration = Duration::from_secs(240);

/// Starts a router; gives what others must know of it, and the port of its SAM bridge.
async fn router(network: u8, floodfill: bool, known: Vec<Vec<u8>>) -> (Vec<u8>, u16) {
    let (mut iv, mut key) = ([0; 16], [0; 32]);
    Runtime::rng().fill_bytes(&mut iv);
    Runtime::rng().fill_bytes(&mut key);
    let ntcp2 = Ntcp2Config {
        ipv4: true,
        ipv4_host: Some(std::net::Ipv4Addr::LOCALHOST),
        ipv6: false,
        ipv6_host: None,
        iv,
        key,
        port: 0,
        publish: true,
        ml_kem: None,
        disable_pq: true,
    };
    let config = Config {
        net_id: Some(network),
        floodfill,
        insecure_tunnels: true,
        allow_local: true,
        ntcp2: Some(ntcp2),
        samv3_config: Some(SamConfig {
            tcp_port: 0,
            udp_port: 0,
            host: "127.0.0.1".to_owned(),
        }),
        transit: Some(TransitConfig {
            max_tunnels: Some(1_000),
        }),
        routers: known,
        ..Default::default()
    };
    let started = Router::<Runtime>::new(config, None, None).await;
    let (router, events, info) = started.expect("a router");
    let sam = router.protocol_address_info().sam_tcp.expect("a bridge");
    tokio::spawn(async move {
        let _events = events;
        router.await;
    });
    (info, sam.port())
}

/// A network of its own, which lives as long as the runtime.
struct Network {
    number: u8,
    /// What is known of the routers that carry.
    known: Vec<Vec<u8>>,
    /// SAM bridges of as many more as were wanted.
    ports: Vec<u16>,
}

fn network(runtime: &tokio::runtime::Runtime, wanted: usize) -> Network {
    runtime.block_on(async {
        // Any but the real one, 2.
        let number = 100 + u8::try_from(Runtime::rng().next_u32() % 100).expect("small");
        let mut known = Vec::new();
        for at in 0..CARRIERS {
            let (info, _) = router(number, at < 2, known.clone()).await;
            known.push(info);
        }
        let mut ports = Vec::new();
        for _ in 0..wanted {
            ports.push(router(number, false, known.clone()).await.1);
        }
        Network {
            number,
            known,
            ports,
        }
    })
}

#[test]
fn two_nodes_join_and_talk_over_i2p() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let ports = network(&runtime, 2).ports;
    let space = Workspace::new("i2p");
    let mut a = space.over_i2p("a", "i2p", ports[0]);
    let mut b = space.over_i2p("b", "i2p", ports[1]);
    let begun = Instant::now();
    let lap = |what: &str| println!("{:6.1} s  {what}", begun.elapsed().as_secs_f64());
    a.start();
    b.start();
    let forum = a.say(&["forum", "new", "A forum"]);
    for node in [&a, &b] {
        eventually("a session", PATIENCE, || {
            node.json(&["status"])["state"] == "all is well"
        });
    }
    lap("both have sessions");
    let invite = a.say(&["invite", &forum]);
    b.run(&["join", &invite, "--wait", "240"]);
    lap("b joined");
    let hello = b.say(&["post", &forum, "Hello from b"]);
    eventually("the comment at a", PATIENCE, || a.has(&hello));
    lap("b's comment is at a");
    let answer = a.say(&["post", &hello, "Hello from a"]);
    eventually("the answer at b", PATIENCE, || b.has(&answer));
    lap("a's answer is at b");
    assert_eq!(a.thread(&forum), b.thread(&forum));
    drop(space);
    runtime.shutdown_background();
}

#[test]
fn a_node_with_a_router_of_its_own_joins() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let net = network(&runtime, 1);
    let space = Workspace::new("own-router");
    let known = space.path("known");
    std::fs::create_dir(&known).expect("a folder");
    for (at, info) in net.known.iter().enumerate() {
        std::fs::write(format!("{known}/{at}"), info).expect("written");
    }
    // Nobody listens on a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = free.local_addr().expect("bound").port();
    drop(free);
    let mut a = space.over_i2p("a", "i2p", net.ports[0]);
    let mut b = space.over_i2p("b", "auto", nobody);
    let number = net.number;
    b.edit(
        "[tcp]",
        &format!("[i2p.router]\nnetwork = {number}\nknown = \"{known}\"\n[tcp]"),
    );
    let begun = Instant::now();
    a.start();
    b.start();
    let forum = a.say(&["forum", "new", "A forum"]);
    let invite = a.say(&["invite", &forum]);
    b.run(&["join", &invite, "--wait", "240"]);
    let hello = b.say(&["post", &forum, "Hello from b"]);
    eventually("the comment at a", PATIENCE, || a.has(&hello));
    let took = begun.elapsed().as_secs_f64();
    println!("{took:6.1} s  joined and heard, by an embedded router");
    drop(space);
    runtime.shutdown_background();
}
