//! The calls that a baseline does not answer.

/// Writes methods of `BillingService` that answer UNIMPLEMENTED, in the form into which `tonic::async_trait` turns the trait's
/// own: it does not see what a macro writes.
macro_rules! unasked {
    ($($name:ident: $request:ident => $response:ident),* $(,)?) => {
        $(
            fn $name<'call, 'answer>(
                &'call self,
                _: tonic::Request<proto::billing::v1::$request>,
            ) -> std::pin::Pin<
                Box<
                    dyn Future<
                            Output = Result<
                                tonic::Response<proto::billing::v1::$response>,
                                tonic::Status,
                            >,
                        > + Send
                        + 'answer,
                >,
            >
            where
                'call: 'answer,
                Self: 'answer,
            {
                Box::pin(std::future::ready(Err(tonic::Status::unimplemented(
                    "a baseline does not answer this",
                ))))
            }
        )*
    };
}

pub(super) use unasked;
