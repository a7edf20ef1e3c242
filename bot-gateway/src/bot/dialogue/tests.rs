use super::*;
use crate::bot::kind::PROMPT_LIMIT;

const ID: i64 = 7;

fn rub(micros: i64) -> Amount {
    Amount { micros, currency: "RUB".to_owned() }
}

fn text(words: &str) -> Input {
    Input::Text(words.to_owned())
}

fn file(message_id: i32) -> Photo {
    Photo { file_id: format!("file{message_id}"), message_id }
}

fn photo(message_id: i32) -> Input {
    Input::Photo { photo: file(message_id), caption: None, album: None }
}

fn captioned(message_id: i32, caption: &str) -> Input {
    Input::Photo { photo: file(message_id), caption: Some(caption.to_owned()), album: None }
}

fn of_album(message_id: i32, caption: Option<&str>) -> Input {
    Input::Photo {
        photo: file(message_id),
        caption: caption.map(str::to_owned),
        album: Some("a".to_owned()),
    }
}

fn album_end(last: i32) -> Input {
    Input::AlbumEnd { album: "a".to_owned(), last }
}

fn begun(kind: Kind) -> State {
    State::Collecting(Draft::new(ID, kind, Some(rub(10))))
}

/// All inputs in a row; the last step.
fn play(state: State, inputs: impl IntoIterator<Item = Input>) -> Step {
    let mut last = Step { state, action: Action::Nothing, dropped: 0 };
    for (n, input) in inputs.into_iter().enumerate() {
        last = step(last.state, input, 100 + n as i64);
    }
    last
}

/// What is charged: kind, photos by message, prompt.
fn run_of(step: &Step) -> (Kind, Vec<i32>, Option<&str>) {
    let Action::Run { draft, .. } = &step.action else { panic!("no run: {step:?}") };
    assert_eq!(step.state, State::Idle, "a dialogue that runs is over");
    let photos = draft.material.photos.iter().map(|photo| photo.message_id).collect();
    (draft.kind, photos, draft.material.prompt.as_deref())
}

fn asked(step: &Step) -> Need {
    let Action::Ask { need, .. } = step.action else { panic!("nothing asked: {step:?}") };
    need
}

#[test]
fn a_text_outside_of_a_dialogue_is_a_prompt() {
    let step = play(State::Idle, [text("  кот в скафандре ")]);
    assert_eq!(run_of(&step), (Kind::Generate, vec![], Some("кот в скафандре")));
}

#[test]
fn each_kind_runs_when_it_has_what_it_needs() {
    for (kind, inputs, photos, prompt) in [
        (Kind::Generate, vec![text("кот")], vec![], Some("кот")),
        (Kind::Edit, vec![captioned(1, "в шляпе")], vec![1], Some("в шляпе")),
        (Kind::Edit, vec![photo(1), text("в шляпе")], vec![1], Some("в шляпе")),
        (Kind::Edit, vec![text("в шляпе"), photo(1)], vec![1], Some("в шляпе")),
        (Kind::Edit, vec![photo(1), photo(2), text("в шляпе")], vec![2], Some("в шляпе")),
        (Kind::AddText, vec![photo(1), text("Привет")], vec![1], Some("Привет")),
        (Kind::Retouch, vec![photo(1)], vec![1], None),
        (Kind::Upscale, vec![captioned(1, "вчетверо")], vec![1], Some("вчетверо")),
        (Kind::FaceSwap, vec![photo(1), photo(2)], vec![1, 2], None),
        (Kind::Merge, vec![photo(1), photo(2), text("вместе")], vec![1, 2], Some("вместе")),
        (
            Kind::Merge,
            vec![photo(1), photo(2), Input::PhotosDone(ID), text("вместе")],
            vec![1, 2],
            Some("вместе"),
        ),
        (
            Kind::Merge,
            vec![captioned(1, "вместе"), photo(2), Input::PhotosDone(ID)],
            vec![1, 2],
            Some("вместе"),
        ),
        (
            Kind::Merge,
            (1..=5).map(photo).chain([text("все")]).collect(),
            vec![1, 2, 3, 4, 5],
            Some("все"),
        ),
        (
            Kind::Merge,
            [captioned(1, "все")].into_iter().chain((2..=5).map(photo)).collect(),
            vec![1, 2, 3, 4, 5],
            Some("все"),
        ),
    ] {
        assert_eq!(run_of(&play(begun(kind), inputs)), (kind, photos, prompt));
    }
}

#[test]
fn what_is_missing_is_asked_for_in_turn() {
    assert_eq!(asked(&play(begun(Kind::Edit), [photo(1)])), Need::Prompt);
    assert_eq!(asked(&play(begun(Kind::FaceSwap), [photo(1)])), Need::Face);
    assert_eq!(asked(&play(begun(Kind::Merge), [photo(1)])), Need::MorePhotos(1));
    let two = play(begun(Kind::Merge), [photo(1), photo(2)]);
    assert_eq!(asked(&two), Need::MoreOrDone { count: 2, has_prompt: false });
    assert_eq!(asked(&play(two.state, [Input::PhotosDone(ID)])), Need::Prompt);
    let step = play(begun(Kind::Edit), [text("в шляпе")]);
    assert_eq!(step.action, Action::Ask { need: Need::Photo, prompt_kept: true });
}

#[test]
fn an_album_waits_for_its_last_photo() {
    let step = play(
        begun(Kind::Merge),
        [of_album(1, Some("вместе")), of_album(2, None), of_album(3, None)],
    );
    let Action::AwaitAlbum(album) = &step.action else { panic!("{step:?}") };
    assert_eq!((album.id.as_str(), album.last), ("a", 3));
    let early = play(step.state.clone(), [album_end(2)]);
    assert_eq!(early, Step { state: step.state.clone(), action: Action::Nothing, dropped: 0 });
    assert_eq!(
        run_of(&play(step.state, [album_end(3)])),
        (Kind::Merge, vec![1, 2, 3], Some("вместе"))
    );
}

#[test]
fn an_album_without_words_asks_for_them() {
    let step = play(begun(Kind::Merge), [of_album(1, None), of_album(2, None), album_end(2)]);
    assert_eq!(asked(&step), Need::MoreOrDone { count: 2, has_prompt: false });
    assert_eq!(
        run_of(&play(step.state, [text("вместе")])),
        (Kind::Merge, vec![1, 2], Some("вместе"))
    );
}

#[test]
fn words_in_the_middle_of_an_album_wait_for_its_end() {
    let step = play(begun(Kind::Merge), [of_album(1, None), text("вместе"), of_album(2, None)]);
    assert!(matches!(step.action, Action::AwaitAlbum(_)));
    assert_eq!(
        run_of(&play(step.state, [album_end(2)])),
        (Kind::Merge, vec![1, 2], Some("вместе"))
    );
}

#[test]
fn an_album_that_is_too_long_is_cut() {
    for (kind, sent, kept) in [(Kind::Merge, 7, 5), (Kind::FaceSwap, 3, 2), (Kind::Edit, 2, 1)] {
        let album = (1..=sent).map(|n| of_album(n, (n == 1).then_some("слова")));
        let step = play(begun(kind), album.chain([album_end(sent)]));
        assert_eq!(run_of(&step).1, (1..=kept).collect::<Vec<_>>());
        assert_eq!(step.dropped, (sent - kept) as usize);
    }
}

#[test]
fn a_photo_outside_of_a_dialogue_is_offered_what_can_be_done_with_it() {
    let offered = play(State::Idle, [captioned(1, "в шляпе")]);
    assert_eq!(offered.action, Action::Offer(1));
    let State::Choosing { id, .. } = offered.state else { panic!("{offered:?}") };
    let choose = |kind| Input::Choose { id, kind, price: rub(12) };
    let step = play(offered.state.clone(), [choose(Kind::Edit)]);
    assert_eq!(run_of(&step), (Kind::Edit, vec![1], Some("в шляпе")));
    let Action::Run { draft, .. } = &step.action else { unreachable!() };
    assert_eq!(draft.max_price, Some(rub(12)), "the price of the button is the most that is taken");
    assert_eq!(asked(&play(offered.state.clone(), [choose(Kind::Merge)])), Need::MorePhotos(1));
    assert_eq!(asked(&play(offered.state.clone(), [choose(Kind::FaceSwap)])), Need::Face);
    let twice = play(offered.state, [choose(Kind::Merge), choose(Kind::Merge)]);
    assert_eq!(asked(&twice), Need::MorePhotos(1));
}

#[test]
fn an_album_outside_of_a_dialogue_is_offered_once() {
    let step = play(State::Idle, [of_album(1, None), of_album(2, None)]);
    assert!(matches!(step.action, Action::AwaitAlbum(_)));
    assert_eq!(play(step.state, [album_end(2)]).action, Action::Offer(2));
}

#[test]
fn words_under_an_offer_are_kept_for_the_choice() {
    let step = play(
        State::Idle,
        [photo(1), text("в шляпе"), Input::Choose { id: 100, kind: Kind::Edit, price: rub(1) }],
    );
    assert_eq!(run_of(&step), (Kind::Edit, vec![1], Some("в шляпе")));
}

#[test]
fn the_same_update_twice_adds_nothing() {
    let step = play(begun(Kind::Merge), [photo(1), photo(1)]);
    assert_eq!(asked(&step), Need::MorePhotos(1));
    let step = play(State::Idle, [photo(1), photo(1)]);
    assert_eq!(step.action, Action::Offer(1));
}

#[test]
fn what_cannot_be_used_is_answered_and_the_dialogue_is_kept() {
    let long = "ы".repeat(PROMPT_LIMIT + 1);
    for (state, input, wrong) in [
        (begun(Kind::Edit), Input::Wrong(Wrong::Sticker), Wrong::Sticker),
        (begun(Kind::Generate), text(&long), Wrong::TooLong(PROMPT_LIMIT + 1)),
        (State::Idle, text(&"x".repeat(5000)), Wrong::TooLong(5000)),
        (begun(Kind::Generate), text(" \n "), Wrong::Empty),
        (begun(Kind::Generate), text("\u{2800}\u{200b}"), Wrong::Empty),
        (begun(Kind::Retouch), text("сделай красиво"), Wrong::PhotoNeeded),
        (begun(Kind::FaceSwap), text("вот"), Wrong::PhotoNeeded),
        (begun(Kind::Generate), photo(1), Wrong::TextNeeded),
        (begun(Kind::Edit), Input::PhotosDone(ID + 1), Wrong::OldButton),
        (begun(Kind::Edit), Input::Confirm { id: ID, price: rub(10) }, Wrong::OldButton),
        (State::Idle, Input::Choose { id: 1, kind: Kind::Edit, price: rub(1) }, Wrong::OldButton),
        (
            State::Confirming(Draft::new(ID, Kind::Upscale, Some(rub(10)))),
            text("да"),
            Wrong::PressButton,
        ),
    ] {
        let step = step(state.clone(), input, ID);
        assert_eq!(step.action, Action::Refuse(wrong));
        assert_eq!(step.state, state);
    }
}

#[test]
fn a_prompt_of_exactly_the_limit_is_taken() {
    let longest = "ы".repeat(PROMPT_LIMIT);
    assert_eq!(run_of(&play(State::Idle, [text(&longest)])).2, Some(longest.as_str()));
}

#[test]
fn a_caption_that_is_too_long_keeps_the_photo_and_takes_no_money() {
    let long = "x".repeat(PROMPT_LIMIT + 1);
    for kind in [Kind::Edit, Kind::Retouch] {
        let step = play(begun(kind), [captioned(1, &long)]);
        assert_eq!(step.action, Action::Refuse(Wrong::TooLong(PROMPT_LIMIT + 1)));
        assert_eq!(run_of(&play(step.state, [text("короче")])), (kind, vec![1], Some("короче")));
    }
}

#[test]
fn a_sixth_photo_is_refused() {
    let step = play(begun(Kind::Merge), (1..=6).map(photo));
    assert_eq!(step.action, Action::Refuse(Wrong::TooManyPhotos));
    assert_eq!(run_of(&play(step.state, [text("все")])).1, [1, 2, 3, 4, 5]);
}

#[test]
fn a_confirmation_is_for_the_price_that_was_shown() {
    let mut draft = Draft::new(ID, Kind::Generate, Some(rub(15)));
    draft.material.prompt = Some("кот".to_owned());
    let state = State::Confirming(draft.clone());
    let stale = step(state.clone(), Input::Confirm { id: ID, price: rub(12) }, 1);
    assert_eq!(stale.action, Action::Refuse(Wrong::OldButton));
    let yes = step(state.clone(), Input::Confirm { id: ID, price: rub(15) }, 1);
    assert_eq!(
        yes,
        Step { state: State::Idle, action: Action::Run { draft, confirmed: true }, dropped: 0 }
    );
    assert_eq!(step(state, Input::Decline(ID), 1).action, Action::Left);
}

#[test]
fn new_words_under_a_confirmation_replace_the_old_ones() {
    let mut draft = Draft::new(ID, Kind::Generate, Some(rub(15)));
    draft.material.prompt = Some("кот".to_owned());
    let step = play(State::Confirming(draft), [text("пёс")]);
    assert_eq!(run_of(&step), (Kind::Generate, vec![], Some("пёс")));
}

#[test]
fn one_album_of_photos_where_words_are_needed_is_answered_once() {
    let first = play(begun(Kind::Generate), [of_album(1, None)]);
    assert_eq!(first.action, Action::Refuse(Wrong::TextNeeded));
    assert_eq!(play(first.state, [of_album(2, None)]).action, Action::Nothing);
}

#[test]
fn a_dialogue_survives_being_stored() {
    let step = play(begun(Kind::Merge), [of_album(1, Some("вместе")), of_album(2, None)]);
    for state in [step.state, State::Idle, State::Confirming(Draft::new(1, Kind::FaceSwap, None))] {
        let stored = serde_json::to_value(&state).unwrap();
        assert_eq!(serde_json::from_value::<State>(stored).unwrap(), state);
    }
}
