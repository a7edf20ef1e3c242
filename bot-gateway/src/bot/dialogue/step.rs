//! The transitions.

use super::{Action, Album, Draft, Input, Material, Photo, Question, State, Step, Wrong};
use crate::bot::kind::{Kind, PROMPT_LIMIT};

/// One step of the dialogue. `id` names a dialogue that begins with it: the update's id.
pub fn step(state: State, input: Input, id: i64) -> Step {
    let state = match state {
        State::Paying { .. } => State::Idle,
        State::Answered { then, .. } => *then,
        state => state,
    };
    match (state, input) {
        (state, Input::Wrong(wrong)) => stay(state, Action::Refuse(wrong)),
        (State::Asking { question, then }, Input::Text(text)) => {
            on_answer(question, then, &text, id)
        }
        (State::Asking { then, .. }, input) => step(*then, input, id),
        (state, Input::Text(text)) => match words(&text) {
            Ok(prompt) => on_text(state, prompt, id),
            Err(wrong) => stay(state, Action::Refuse(wrong)),
        },
        (state, Input::Photo { photo, caption, album }) => {
            on_photo(state, photo, caption, album, id)
        }
        (state, Input::AlbumEnd { album, last }) => on_album_end(state, &album, last),
        (State::Collecting(mut draft), Input::PhotosDone(id)) if draft.id == id => {
            draft.done = true;
            advance(draft, false)
        }
        (State::Choosing { id: mine, material }, Input::Choose { id, kind, price })
            if mine == id =>
        {
            on_choice(Draft { material, ..Draft::new(id, kind, Some(price)) })
        }
        // The same button again, before anything else came: ask again.
        (State::Collecting(draft), Input::Choose { id, kind, .. })
            if draft.id == id && draft.kind == kind =>
        {
            advance(draft, false)
        }
        (State::Confirming(draft) | State::Shelved(draft), Input::Confirm { id, price })
            if draft.id == id && draft.max_price.as_ref() == Some(&price) =>
        {
            Step { state: State::Idle, action: Action::Run { draft, confirmed: true }, dropped: 0 }
        }
        (State::Confirming(draft), Input::Decline(id)) if draft.id == id => {
            stay(State::Idle, Action::Left)
        }
        (
            state,
            Input::PhotosDone(_) | Input::Choose { .. } | Input::Confirm { .. } | Input::Decline(_),
        ) => stay(state, Action::Refuse(Wrong::OldButton)),
    }
}

fn on_answer(question: Question, then: Box<State>, text: &str, update_id: i64) -> Step {
    match question.read(text) {
        Ok(answer) => {
            let state = State::Answered { update_id, answer: answer.clone(), then };
            stay(state, Action::Take(answer))
        }
        Err(wrong) => stay(State::Asking { question, then }, Action::Refuse(wrong)),
    }
}

fn stay(state: State, action: Action) -> Step {
    Step { state, action, dropped: 0 }
}

fn words(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let length = text.chars().count();
    if text.chars().all(is_invisible) {
        Err(Wrong::Empty)
    } else if length > PROMPT_LIMIT {
        Err(Wrong::TooLong(length))
    } else {
        Ok(text.to_owned())
    }
}

/// Characters that show nothing, of those that people paste to send an "empty" message.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
}

/// Asks for what is needed next, or runs.
fn advance(draft: Draft, prompt_kept: bool) -> Step {
    match draft.need() {
        Some(need) => stay(State::Collecting(draft), Action::Ask { need, prompt_kept }),
        None => stay(State::Idle, Action::Run { draft, confirmed: false }),
    }
}

fn on_text(state: State, prompt: String, id: i64) -> Step {
    match state {
        // Questions beside the dialogue were taken off before.
        State::Idle
        | State::Shelved(_)
        | State::Paying { .. }
        | State::Asking { .. }
        | State::Answered { .. } => {
            let mut draft = Draft::new(id, Kind::Generate, None);
            draft.material.prompt = Some(prompt);
            advance(draft, false)
        }
        State::Choosing { id, mut material } => {
            material.prompt = Some(prompt);
            match open_album(&material) {
                // Its end goes on from here.
                Some(_) => stay(State::Choosing { id, material }, Action::Nothing),
                None => offer(id, material),
            }
        }
        State::Collecting(mut draft) => {
            let (least, _) = draft.kind.photos().into_inner();
            let enough = draft.material.photos.len() >= least;
            if !draft.kind.needs_prompt() && !enough {
                return stay(State::Collecting(draft), Action::Refuse(Wrong::PhotoNeeded));
            }
            draft.material.prompt = Some(prompt);
            if open_album(&draft.material).is_some() {
                return stay(State::Collecting(draft), Action::Nothing);
            }
            draft.done = enough;
            advance(draft, !enough)
        }
        State::Confirming(mut draft) => {
            if !draft.kind.needs_prompt() {
                return stay(State::Confirming(draft), Action::Refuse(Wrong::PressButton));
            }
            draft.material.prompt = Some(prompt);
            stay(State::Idle, Action::Run { draft, confirmed: false })
        }
    }
}

fn on_photo(
    state: State,
    photo: Photo,
    caption: Option<String>,
    album: Option<String>,
    id: i64,
) -> Step {
    // A caption that is too long is said so, and the photo is kept all the same.
    let (caption, too_long) = match caption.as_deref().map(words) {
        Some(Ok(caption)) => (Some(caption), None),
        Some(Err(Wrong::Empty)) | None => (None, None),
        Some(Err(wrong)) => (None, Some(wrong)),
    };
    let mut step = match state {
        State::Collecting(draft) if *draft.kind.photos().end() == 0 => {
            text_needed(draft, album, photo.message_id)
        }
        State::Collecting(mut draft) => {
            let (_, most) = draft.kind.photos().into_inner();
            let refusal = draft.material.add(photo, caption, album, most);
            match refusal {
                Some(wrong) => stay(State::Collecting(draft), Action::Refuse(wrong)),
                None => match open_album(&draft.material) {
                    Some(album) => stay(State::Collecting(draft), Action::AwaitAlbum(album)),
                    None => advance(draft, false),
                },
            }
        }
        State::Choosing { id: old, material }
            if continues(&material, album.as_deref(), photo.message_id) =>
        {
            choosing(old, material, photo, caption, album)
        }
        // A photo on its own begins anew.
        State::Choosing { .. }
        | State::Idle
        | State::Confirming(_)
        | State::Shelved(_)
        | State::Paying { .. }
        | State::Asking { .. }
        | State::Answered { .. } => choosing(id, Material::default(), photo, caption, album),
    };
    if let Some(wrong) = too_long {
        if let Action::Run { draft, .. } = &step.action {
            // The user meant to say something: don't take money for less than they asked.
            step.state = State::Collecting(draft.clone());
        }
        if !matches!(step.action, Action::AwaitAlbum(_)) {
            step.action = Action::Refuse(wrong);
        }
    }
    step
}

fn text_needed(mut draft: Draft, album: Option<String>, message_id: i32) -> Step {
    let said =
        album.is_some() && draft.material.album.as_ref().map(|seen| &seen.id) == album.as_ref();
    draft.material.album = album.map(|id| Album { id, last: message_id, open: false });
    // One answer for a whole album.
    let action = if said { Action::Nothing } else { Action::Refuse(Wrong::TextNeeded) };
    stay(State::Collecting(draft), action)
}

fn choosing(
    id: i64,
    mut material: Material,
    photo: Photo,
    caption: Option<String>,
    album: Option<String>,
) -> Step {
    let most = *Kind::Merge.photos().end();
    if let Some(wrong) = material.add(photo, caption, album, most) {
        return stay(State::Choosing { id, material }, Action::Refuse(wrong));
    }
    match open_album(&material) {
        Some(album) => stay(State::Choosing { id, material }, Action::AwaitAlbum(album)),
        None => offer(id, material),
    }
}

fn continues(material: &Material, album: Option<&str>, message_id: i32) -> bool {
    let same_album =
        album.is_some() && material.album.as_ref().map(|album| album.id.as_str()) == album;
    same_album || material.photos.iter().any(|photo| photo.message_id == message_id)
}

fn open_album(material: &Material) -> Option<Album> {
    material.album.clone().filter(|album| album.open)
}

fn offer(id: i64, material: Material) -> Step {
    let count = material.photos.len();
    stay(State::Choosing { id, material }, Action::Offer(count))
}

fn on_choice(mut draft: Draft) -> Step {
    if let Some(album) = &mut draft.material.album {
        album.open = false;
    }
    let dropped = draft.material.cut(draft.kind);
    Step { dropped, ..advance(draft, false) }
}

fn on_album_end(state: State, album: &str, last: i32) -> Step {
    let is_end = |material: &Material| {
        material
            .album
            .as_ref()
            .is_some_and(|mine| mine.open && mine.id == album && mine.last == last)
    };
    match state {
        State::Choosing { id, mut material } if is_end(&material) => {
            material.close_album();
            let dropped = material.cut(Kind::Merge);
            Step { dropped, ..offer(id, material) }
        }
        State::Collecting(mut draft) if is_end(&draft.material) => {
            draft.material.close_album();
            let dropped = draft.material.cut(draft.kind);
            let (least, _) = draft.kind.photos().into_inner();
            draft.done = draft.material.prompt.is_some() && draft.material.photos.len() >= least;
            Step { dropped, ..advance(draft, false) }
        }
        // A later photo came, or the user went on: its own end follows, or none is needed.
        state => stay(state, Action::Nothing),
    }
}
