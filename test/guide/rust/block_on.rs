/// Polls a future in this thread; another one drives the engine.
#[allow(dead_code)]
fn block_on<F: std::future::Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let (mut future, mut context) = (Box::pin(future), std::task::Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

/// A file without a name that has 5000 bytes.
#[allow(dead_code)]
fn scratch_file() -> std::fs::File {
    let name = format!("scratch-{}", std::process::id());
    std::fs::write(&name, [b'x'; 5000]).unwrap();
    let file = std::fs::File::open(&name).unwrap();
    std::fs::remove_file(name).unwrap();
    file
}
