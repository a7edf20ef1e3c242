//! A person in the chat, with what billing says of them beside it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use proto::billing::v1::{ListOperationsRequest, Operation, OperationState, UserInfo};
use sandbox::system::{Operator, System};
use sandbox::telegram::{Seen, TelegramUser};

/// How long a condition is waited for, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `ask` answers something.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let begin = Instant::now();
    loop {
        let answer = ask().await;
        if let Ok(Some(answer)) = answer {
            return Ok(answer);
        }
        if begin.elapsed() > PATIENCE {
            bail!("waited in vain for {what}; the last answer: {:?}", answer.err());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub struct Person {
    pub chat: TelegramUser,
    billing: Operator,
}

impl Person {
    pub fn of(system: &System, id: i64) -> Self {
        Self { chat: system.telegram().user(id), billing: system.billing().clone() }
    }

    pub fn user_id(&self) -> String {
        format!("tg:{}", self.chat.id())
    }

    pub async fn has(&self) -> Result<UserInfo> {
        Ok(self.billing.user(&self.user_id()).await?)
    }

    /// Newest first; tests stay within one page.
    pub async fn operations(&self) -> Result<Vec<Operation>> {
        let request =
            ListOperationsRequest { user_id: self.user_id(), page_size: 200, ..Default::default() };
        Ok(self.billing.billing.list_operations(request).await?.operations)
    }

    /// Waits until there are exactly `count` operations and none is open.
    pub async fn settled(&self, count: usize) -> Result<Vec<Operation>> {
        let operations = until("all operations to be settled", async || {
            let operations = self.operations().await?;
            let open = operations.iter().any(|one| one.state() == OperationState::Charged);
            Ok((operations.len() >= count && !open).then_some(operations))
        })
        .await
        .with_context(|| format!("chat: {:#?}", self.chat.messages()))?;
        assert_eq!(operations.len(), count, "{operations:#?}");
        Ok(operations)
    }

    /// Waits until something is charged and not settled.
    pub async fn charged(&self) -> Result<Operation> {
        until("a charge", async || {
            let operations = self.operations().await?;
            Ok(operations.into_iter().find(|one| one.state() == OperationState::Charged))
        })
        .await
    }

    /// The photos that the bot sent, in messages.
    pub fn photos(&self) -> usize {
        let messages = self.chat.messages();
        messages.iter().filter(|message| message.from_bot && message.photo.is_some()).count()
    }

    /// What the bot said, with plain spaces in the place of those that don't break.
    pub async fn told(&self, part: &str) -> Result<Seen> {
        let fits = |seen: &Seen| plain(&seen.text).contains(part);
        self.chat.sees(fits).await.map_err(|error| anyhow::anyhow!("{part:?}: {error:?}"))
    }

    /// Gives this many kopecks of own money.
    pub async fn top_up(&self, kopecks: i64) -> Result<()> {
        self.billing.adjust(&self.user_id(), kopecks * 10_000).await?;
        Ok(())
    }

    /// Spends the free operations away with pictures that succeed.
    pub async fn spend_free_operations(&self) -> Result<()> {
        for round in 1..=3 {
            self.chat.send_text(&format!("бесплатная картинка {round}"));
            self.settled(round).await?;
        }
        Ok(())
    }
}

pub fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// How many operations are in this state.
pub fn count(operations: &[Operation], state: OperationState) -> usize {
    operations.iter().filter(|one| one.state() == state).count()
}

/// A small picture of one colour, as PNG.
pub fn png(red: u8) -> bytes::Bytes {
    use image::{ImageFormat, Rgb, RgbImage};
    let mut out = std::io::Cursor::new(Vec::new());
    let picture = RgbImage::from_pixel(320, 240, Rgb([red, 90, 160]));
    picture.write_to(&mut out, ImageFormat::Png).expect("a PNG can be made in memory");
    out.into_inner().into()
}
