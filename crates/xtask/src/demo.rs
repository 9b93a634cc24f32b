//! The demo: an upgrade of ODC whose migration fails half-way, and the way back. Each command is printed as a reader can type it.

mod odc;
mod stage;

use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, lab, say};
use odc::Odc;
use stage::Stage;

/// Whether what the demo made stays for a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It stays until `cargo xtask lab down`.
    Yes,
    /// It goes.
    No,
}

/// Plays it, and leaves nothing behind unless told to.
pub(crate) fn run(checkout: &Checkout, keep: Keep) -> Result<(), TaskError> {
    say::part("The program");
    let program = cargo::build_runbook(checkout, "dev", cargo::Points::None)?;
    let lab = lab::up(checkout)?;
    let played = lab::load_images(checkout, &lab).and_then(|()| {
        let stage = Stage::set(checkout, lab.environment(), &program)?;
        let played = play(&stage);
        if keep == Keep::No { stage.clear().and(played) } else { played }
    });
    if keep == Keep::Yes {
        say::part("Everything is left as it is");
        say::line("look around with the commands above; `cargo xtask lab down` takes it all down");
        return played;
    }
    let down = lab.finish(checkout);
    played.and(down)
}

fn play(stage: &Stage<'_>) -> Result<(), TaskError> {
    let odc = Odc::on(stage);
    say::part("To repeat the commands below by hand (with `--keep`), in this folder");
    stage.print_environment();

    say::part("An ODC 4.2.4 that people have worked with");
    odc.create_metadb()?;
    odc.run(&lab::OLD)?;
    odc.wait_until_it_answers()?;
    odc.work()?;

    say::part("A backup, any day: `odc-backup`");
    stage.runbook(&["exec", "runbooks/odc-backup.toml", "--var-file", &stage.site(), "--var", &stage.backup("routine"), "--yes"], 0)?;
    stage.runbook(&["backup", "verify", &stage.folder("routine")], 0)?;
    odc.wait_until_it_answers()?;

    say::part("The upgrade to a 4.3.4 whose migration fails half-way: `odc-upgrade`");
    say::line(
        "It would roll back by itself (try it without `--on-failure stop`). Here it is told to stop, so that there is something to see.",
    );
    let (image, before) = (stage.release(&lab::NEW_BROKEN)?, stage.backup("before-upgrade"));
    let upgrade = ["exec", "runbooks/odc-upgrade.toml", "--var-file", &stage.site(), "--var-file", &image, "--var", &before];
    // The stand-ins are small, and so may the disk be.
    stage.runbook(&[&upgrade[..], &["--var", "docker_room=256MiB", "--on-failure", "stop", "--yes"]].concat(), 1)?;

    say::part("What is broken now");
    odc.show_broken_state()?;

    say::part("The way back: `odc-rollback`");
    let aside = odc.set_aside()?;
    let (image, old) = (stage.release(&lab::OLD)?, format!("old_container={aside}"));
    let rollback =
        ["exec", "runbooks/odc-rollback.toml", "--var-file", &stage.site(), "--var-file", &image, "--var", &before, "--var", &old];
    stage.runbook(&[&rollback[..], &["--yes"]].concat(), 0)?;

    say::part("The proof");
    say::line(
        "The old version answers from its database, the file that a row refers to is there, and every table has the checksum of before the upgrade.",
    );
    say::line("(`migrate_schema_history` apart: each start of ODC adds four entries. Its versions are compared instead.)");
    stage.runbook(&["exec", &stage.proof()?, "--var-file", &stage.site(), "--var-file", &image, "--var", &before, "--yes"], 0)?;
    stage.runbook(&["backup", "verify", &stage.folder("before-upgrade")], 0)?;
    stage.runbook(&["runs", "list"], 0)?;

    say::part("ODC is back on 4.2.4, and nothing was lost");
    Ok(())
}
