use super::*;

fn state(urls: &str) -> State {
    let targets = Target::parse(urls).unwrap();
    State {
        bearer: Bearer::none(),
        endpoints: endpoints(&targets, None).unwrap(),
        known: vec![Known::default(); targets.len()],
        rotation: Rotation::new(0),
        channels: HashMap::new(),
    }
}

fn addresses(hosts: &[u8]) -> Result<Vec<SocketAddr>, String> {
    Ok(hosts.iter().map(|&host| ([127, 0, 0, host], 50051).into()).collect())
}

/// The last byte of each address that the next calls go to, all of which succeed.
fn hosts(state: &mut State, calls: usize) -> Vec<u8> {
    let call = |_| {
        let turn = state.pick(&[]).unwrap().turn;
        state.rotation.worked(turn);
        match turn.key.address {
            SocketAddr::V4(address) => address.ip().octets()[3],
            SocketAddr::V6(address) => panic!("{address}"),
        }
    };
    (0..calls).map(call).collect()
}

#[tokio::test]
async fn addresses_that_a_name_lost_get_no_calls_and_new_ones_do() {
    let mut state = state("http://billing:50051");
    assert!(state.pick(&[]).is_none());
    assert!(state.found(0, addresses(&[1, 2])));
    assert_eq!(hosts(&mut state, 4), [1, 2, 1, 2]);
    assert!(state.found(0, addresses(&[2, 3])));
    assert_eq!(hosts(&mut state, 4), [2, 3, 2, 3]);
    assert_eq!(state.channels.len(), 2, "nothing is kept of an address that is gone");
}

#[tokio::test]
async fn a_look_up_that_fails_changes_nothing() {
    let mut state = state("http://billing:50051,http://other:50051");
    assert!(!state.found(0, Err("billing: no address".to_owned())));
    assert_eq!(state.why_no_address(), "billing: no address");
    assert!(state.found(1, addresses(&[1])));
    assert!(state.found(0, addresses(&[2])));
    assert!(!state.found(0, Err("billing: no address".to_owned())));
    let mut seen = hosts(&mut state, 2);
    seen.sort_unstable();
    assert_eq!(seen, [1, 2]);
}
