use super::*;
use sledger::Config;

/// What is told when the questions are answered like this; it is stopped when there is no more answer.
fn told(answers: impl IntoIterator<Item = Result<(), Silence>>) -> Vec<String> {
    let (stop, stopped) = channel();
    let (mut stop, mut answers, mut told) = (Some(stop), answers.into_iter(), Vec::new());
    let ask = |_| {
        answers.next().unwrap_or_else(|| {
            stop.take();
            Err(Silence::ForNow("no more".to_owned()))
        })
    };
    keep_telling(&stopped, Duration::from_millis(1), |word| told.push(word.lines()), "serving", ask);
    told
}

#[test]
fn only_an_answer_keeps_the_manager_from_acting() {
    let silent = || Err(Silence::ForNow("busy".to_owned()));
    assert_eq!(
        told([Ok(()), Ok(()), silent(), silent(), Ok(())]),
        [
            "WATCHDOG=1",
            "WATCHDOG=1",
            "STATUS=busy",
            "STATUS=busy",
            "STATUS=serving",
            "WATCHDOG=1",
            "STATUS=no more"
        ]
    );
}

#[test]
fn nothing_is_told_after_the_ledger_fell_silent_for_ever() {
    let poisoned = Err(Silence::ForEver("poisoned".to_owned()));
    assert_eq!(told([Ok(()), poisoned, Ok(()), Ok(())]), ["WATCHDOG=1", "STATUS=poisoned"]);
}

#[test]
fn the_question_is_answered_and_leaves_no_trace() {
    let ledger = Ledger::in_memory(Config::new("unused")).unwrap();
    let before = ledger.durable();
    assert_eq!(ask(&ledger, Duration::from_secs(60)), Ok(()));
    assert_eq!(ledger.durable(), before);
    ledger.close();
    let silence = ask(&ledger, Duration::from_secs(60));
    assert_eq!(silence, Err(Silence::ForEver("the ledger is closed".to_owned())));
}

#[test]
fn a_watchdog_of_another_process_or_of_no_length_is_none() {
    let own = std::process::id().to_string();
    let half_a_minute = Some(Duration::from_secs(30));
    assert_eq!(silence_max(Some("30000000"), None), half_a_minute);
    assert_eq!(silence_max(Some("30000000"), Some(&own)), half_a_minute);
    for (usec, pid) in [(Some("30000000"), Some("1")), (Some("0"), None), (Some("soon"), None), (None, None)]
    {
        assert_eq!(silence_max(usec, pid), None, "{usec:?} {pid:?}");
    }
}

#[test]
fn what_strangers_named_stays_one_line_of_bounded_length() {
    assert_eq!(Word::Stopping("a\nREADY=1").lines(), "STOPPING=1\nSTATUS=a\\nREADY=1");
    let long = Word::Status(&"é".repeat(1000)).lines();
    assert_eq!(long.chars().count(), "STATUS=".len() + STATUS_LETTERS_MAX);
}

#[test]
fn a_reload_carries_the_time_by_which_it_is_ordered() {
    let lines = Word::Reloading.lines();
    let time = lines.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.parse::<i64>().unwrap() > 0, "{lines}");
}

#[test]
fn a_socket_of_another_family_is_refused_by_name() {
    for name in ["vsock:2:1", "relative", "sledger"] {
        let error = socket(OsStr::new(name)).unwrap_err();
        assert_eq!(error.to_string(), "it is neither a path nor an abstract name", "{name}");
    }
}
