//! A way to a server that can be cut and mended: what a network does, and how a server that is killed looks from outside.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A way to the server that can be cut.
pub(crate) struct Way {
    pub(crate) port: u16,
    to: u16,
    open: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    task: Option<JoinHandle<()>>,
}

impl Way {
    pub(crate) fn new(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let mut way = Self { port, to, open: Arc::default(), streams: Arc::default(), task: None };
        way.serve(listener);
        way
    }

    fn serve(&mut self, listener: TcpListener) {
        let (open, streams, to) = (Arc::clone(&self.open), Arc::clone(&self.streams), self.to);
        open.store(true, Ordering::SeqCst);
        self.task = Some(std::thread::spawn(move || {
            while let Ok((from, _)) = listener.accept() {
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { continue };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a stream");
                streams.lock().unwrap_or_else(PoisonError::into_inner).extend([copy(&from), copy(&server)]);
                for (from, to) in [(copy(&from), copy(&server)), (copy(&server), copy(&from))] {
                    std::thread::spawn(move || pass_on(from, to));
                }
            }
        }));
    }

    pub(crate) fn cut(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        // Wakes the listener up, so that its port is closed.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        self.task.take().expect("a task").join().expect("its end");
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&mut self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("the same port");
        self.serve(listener);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
