//! Which process listens on a port, from what the kernel shows in `/proc`. A help for people, never a decision: another user's sockets stay hidden.

use std::fs;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// The process that listens on a TCP port, such as "process 4711 (`nginx`)".
pub(super) fn of(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| listener(line, port)).collect::<Vec<_>>())
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.into_iter().find(|pid| holds(*pid, &inodes))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} (`{}`)", name.trim()))
}

/// The inode of the socket, where the line is of one that listens on the port. Columns: number, local address, remote address, state, …, inode.
fn listener(line: &str, port: u16) -> Option<String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (_, local) = columns.get(1)?.rsplit_once(':')?;
    let fits = u16::from_str_radix(local, 16) == Ok(port) && columns.get(3) == Some(&LISTEN);
    fits.then(|| columns.get(9).map(|inode| format!("socket:[{inode}]")))?
}

fn holds(pid: u32, inodes: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|link| inodes.iter().any(|inode| link.as_os_str() == inode.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_table_is_read() {
        let line = "   1: 00000000:231D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 27541 1 0000000000000000 100 0 0 10 0";
        assert_eq!(listener(line, 8989).as_deref(), Some("socket:[27541]"));
        assert_eq!(listener(line, 8990), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), 8989), None, "a connection is no listener");
        assert_eq!(listener("  sl  local_address rem_address   st", 8989), None);
    }
}
