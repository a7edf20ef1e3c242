//! What is done for one update is one trace, through all three services and through a crash, and so are its log lines.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use proto::billing::v1::OperationState;
use sandbox::system::{ADMIN_TOKEN, Builder, Service, System};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::collector::{Collector, Sent};
use crate::person::{Person, png, until};

const PROMPT: &str = "тайное слово";

fn traced(collector: &Collector) -> Builder {
    System::builder()
        .setting("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .setting("OTEL_BSP_SCHEDULE_DELAY", "100")
        .setting("LOG_FORMAT", "json")
}

/// Stops the services, which sends what is left.
async fn stop(system: &mut System) -> Result<()> {
    for service in Service::ALL.into_iter().rev() {
        system.stop(service).await?;
    }
    Ok(())
}

/// The one trace that has a span of this name.
fn the_trace_of(collector: &Collector, name: &str) -> Result<String> {
    let traces = collector.traces_of(name);
    assert_eq!(traces.len(), 1, "{name}: {traces:?}");
    traces.into_iter().next().context("a trace")
}

fn find<'a>(trace: &'a [Sent], service: &str, kind: SpanKind, name: &str) -> Result<&'a Sent> {
    trace
        .iter()
        .find(|span| span.service == service && span.kind == kind && span.name == name)
        .with_context(|| format!("no {kind:?} {name} of {service} in {trace:#?}"))
}

/// Sends a photo with words to be edited, and waits for the result.
async fn edit_a_photo(person: &Person) -> Result<()> {
    person.chat.send_text("/menu");
    let menu = person.told("Что сделаем").await?.id;
    person.chat.press_on(menu, "edit")?;
    person.told("Пришлите фото и напишите").await?;
    person.chat.send_photo(&png(7), Some(PROMPT))?;
    let operations = person.settled(1).await?;
    assert_eq!(operations[0].state(), OperationState::Completed);
    Ok(())
}

#[tokio::test]
async fn one_update_is_one_trace_from_telegram_to_complete() -> Result<()> {
    for webhook in [false, true] {
        let collector = Collector::start().await?;
        let builder = traced(&collector);
        let builder = if webhook { builder.webhook() } else { builder };
        let mut system = builder.start().await?;
        let person = Person::of(&system, 2001);
        edit_a_photo(&person).await?;
        system.verify().await?;
        stop(&mut system).await?;

        let charge = "billing.v1.BillingService/Charge";
        let id = the_trace_of(&collector, charge)?;
        let trace = collector.trace(&id);
        // Each is under the one before it, with others between them or not.
        let (gateway, worker, billing) = ("bot-gateway", "image-worker", "billing-svc");
        let delivery = "gateway.v1.DeliveryService/DeliverResult";
        let images = |method: &str| format!("images.v1.ImageService/{method}");
        let complete = "billing.v1.BillingService/Complete";
        let intake = (gateway, SpanKind::Producer, "telegram update".to_owned());
        let handled = (gateway, SpanKind::Consumer, "handle inbox".to_owned());
        let run = (worker, SpanKind::Consumer, "run job".to_owned());
        let call = |from, to, name: &str| {
            [(from, SpanKind::Client, name.to_owned()), (to, SpanKind::Server, name.to_owned())]
        };
        let mut lines = vec![];
        for name in [charge, &images("UploadInput"), &images("SubmitJob")] {
            let to = if name == charge { billing } else { worker };
            let [client, server] = call(gateway, to, name);
            lines.push(vec![intake.clone(), handled.clone(), client, server]);
        }
        let [asked, taken] = call(gateway, worker, &images("SubmitJob"));
        let under_the_job = |rest: Vec<_>| {
            let begin = vec![intake.clone(), handled.clone(), asked.clone(), taken.clone()];
            [begin, vec![run.clone()], rest].concat()
        };
        for name in ["fal submit", "fal status", "fal result", "fal download"] {
            lines.push(under_the_job(vec![(worker, SpanKind::Client, name.to_owned())]));
        }
        let delivered = call(worker, gateway, delivery).to_vec();
        let fetched = call(gateway, worker, &images("GetResult")).to_vec();
        lines.push(under_the_job([delivered, fetched].concat()));
        lines.push(under_the_job(call(worker, billing, complete).to_vec()));
        for line in lines {
            let mut above = None;
            for (service, kind, name) in line {
                let span = find(&trace, service, kind, &name)?;
                assert_eq!(above.map_or("", |above: &Sent| &above.span_id), span.parent, "{name}");
                above = Some(span);
            }
        }
        // Nothing hangs in the air, and nothing else began a trace of its own.
        let ids: BTreeSet<_> = trace.iter().map(|span| span.span_id.as_str()).collect();
        assert_eq!(trace.iter().filter(|span| span.parent.is_empty()).count(), 1);
        for span in trace.iter().filter(|span| !span.parent.is_empty()) {
            assert!(ids.contains(span.parent.as_str()), "{span:?} in {trace:#?}");
        }
        assert_eq!(the_trace_of(&collector, complete)?, id);
        assert_eq!(the_trace_of(&collector, delivery)?, id);
        assert_eq!(collector.traces_of("telegram update").len(), 3, "a menu, a button, a photo");
        let charged = find(&trace, billing, SpanKind::Server, charge)?;
        let attribute = |name: &str| charged.attributes.get(name).map(String::as_str);
        assert_eq!(attribute("rpc.system"), Some("grpc"));
        assert_eq!(attribute("rpc.service"), Some("billing.v1.BillingService"));
        assert_eq!(attribute("rpc.method"), Some("Charge"));
        assert_eq!(attribute("rpc.grpc.status_code"), Some("0"));
        assert_eq!(attribute("caller"), Some("gateway"));
        assert!(collector.spans().iter().all(|span| !span.name.contains("grpc.health")));
    }
    Ok(())
}

#[tokio::test]
async fn a_job_stays_in_its_trace_when_its_worker_is_killed() -> Result<()> {
    let collector = Collector::start().await?;
    let mut system = traced(&collector).start().await?;
    let person = Person::of(&system, 2002);
    system.fal().hold();
    person.chat.send_text(PROMPT);
    system.fal().polled().await;
    // What the first process did is known before it dies.
    until("the first worker's spans", async || {
        Ok((!collector.traces_of("fal submit").is_empty()).then_some(()))
    })
    .await?;
    system.kill(Service::Worker).await?;
    system.fal().release();
    system.start(Service::Worker).await?;
    person.settled(1).await?;
    system.verify().await?;
    stop(&mut system).await?;

    let id = the_trace_of(&collector, "fal submit")?;
    assert_eq!(the_trace_of(&collector, "telegram update")?, id);
    let trace = collector.trace(&id);
    let submitted = find(&trace, "image-worker", SpanKind::Client, "fal submit")?;
    let complete = "billing.v1.BillingService/Complete";
    let completed = find(&trace, "image-worker", SpanKind::Client, complete)?;
    assert_ne!(submitted.instance, completed.instance, "two processes");
    let run = find(&trace, "image-worker", SpanKind::Consumer, "run job")?;
    assert_eq!((&run.instance, &run.span_id), (&completed.instance, &completed.parent));
    let taken = "images.v1.ImageService/SubmitJob";
    let taken = find(&trace, "image-worker", SpanKind::Server, taken)?;
    assert_eq!((&taken.instance, &taken.span_id), (&submitted.instance, &run.parent));
    find(&trace, "billing-svc", SpanKind::Server, complete)?;
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_was_killed_goes_on_in_the_same_trace() -> Result<()> {
    let collector = Collector::start().await?;
    let mut system = traced(&collector).start().await?;
    let person = Person::of(&system, 2003);
    system.kill(Service::Worker).await?; // nobody takes the job
    person.chat.send_text(PROMPT);
    let charge = "billing.v1.BillingService/Charge";
    until("the first charge's spans", async || {
        let spans = collector.trace(collector.traces_of("telegram update").first().context("one")?);
        Ok(spans.iter().any(|span| span.name == charge).then_some(()))
    })
    .await?;
    system.kill(Service::Gateway).await?;
    system.start(Service::Worker).await?;
    system.start(Service::Gateway).await?;
    person.settled(1).await?;
    system.verify().await?;
    stop(&mut system).await?;

    let id = the_trace_of(&collector, charge)?;
    let trace = collector.trace(&id);
    let update = find(&trace, "bot-gateway", SpanKind::Producer, "telegram update")?;
    let handled = find(&trace, "bot-gateway", SpanKind::Consumer, "handle inbox")?;
    assert_eq!(handled.parent, update.span_id);
    assert_ne!(handled.instance, update.instance, "handled by the second process");
    assert_eq!(handled.attributes.get("attempt").map(String::as_str), Some("2"));
    find(&trace, "billing-svc", SpanKind::Server, "billing.v1.BillingService/Complete")?;
    Ok(())
}

#[tokio::test]
async fn lines_name_their_trace_and_neither_they_nor_spans_hold_secrets() -> Result<()> {
    let collector = Collector::start().await?;
    let builder = traced(&collector).setting("RUST_LOG", "debug");
    let mut system = builder.start().await?;
    let person = Person::of(&system, 2004);
    system.fal().fail_next(sandbox::fal::Failure::ServerError, 1);
    edit_a_photo(&person).await?;
    system.verify().await?;
    let folder = system.processes().folder().to_owned();
    let admin = std::fs::read_to_string(folder.join(ADMIN_TOKEN))?;
    let (telegram, fal) = (system.telegram().token(), system.fal().key());
    stop(&mut system).await?;

    let id = the_trace_of(&collector, "billing.v1.BillingService/Charge")?;
    let secrets = [telegram.expose_secret(), fal.expose_secret(), &admin, PROMPT, "earer ", "Key "];
    let mut texts: Vec<_> = collector.spans().into_iter().map(|span| span.text).collect();
    for service in Service::ALL {
        let log = folder.join("logs").join(format!("{}.log", service.program()));
        let log = std::fs::read_to_string(log)?;
        let lines: Vec<Value> =
            log.lines().map(serde_json::from_str).collect::<Result<_, _>>().context(log.clone())?;
        let spans = collector.trace(&id);
        let own: BTreeSet<_> = spans
            .iter()
            .filter(|span| span.service == service.program())
            .map(|span| span.span_id.as_str())
            .collect();
        let in_trace: Vec<_> =
            lines.iter().filter(|line| line["trace_id"] == id.as_str()).collect();
        assert!(!in_trace.is_empty(), "{service:?} says nothing of the trace: {log}");
        for line in in_trace {
            assert!(own.contains(line["span_id"].as_str().unwrap_or_default()), "{line}");
        }
        texts.push(log);
    }
    for text in texts {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_gone_holds_nothing_up() -> Result<()> {
    let nowhere = sandbox::system::free_address()?;
    let mut system = System::builder()
        .setting("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{nowhere}"))
        .setting("OTEL_BSP_SCHEDULE_DELAY", "20")
        .setting("LOG_FORMAT", "json")
        .start()
        .await?;
    let person = Person::of(&system, 2005);
    for number in 1..=3 {
        person.chat.send_text(PROMPT);
        person.settled(number).await?;
    }
    system.verify().await?;
    stop(&mut system).await?;
    for service in Service::ALL {
        let name = format!("{}.log", service.program());
        let log = std::fs::read_to_string(system.processes().folder().join("logs").join(name))?;
        let told = log.matches("the collector does not take traces").count();
        assert_eq!(told, 1, "{service:?}: {log}");
    }
    Ok(())
}
