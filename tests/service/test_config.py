"""The strict reader: what it accepts, and how it reports what it refuses."""

import os
import re
import stat

import pytest

from edge_attp.cli import main
from edge_attp.errors import UsageError
from edge_attp.recognition import Thresholds
from edge_attp.service import schema
from edge_attp.service.config import Engine, Health, StreamTable, load_config
from edge_attp.service.config_text import write_example

STREAM = '[[stream]]\nname = "door"\nsource = "rtsp://camera/1"\n'


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def load_text(text):
        path = tmp_path / "camera.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(str(path))

    return load_text


@pytest.fixture
def fault(load):
    """The error for a text, without the folder of the file."""

    def fault_of(text):
        with pytest.raises(UsageError) as caught:
            load(text)
        return re.sub(r"^.*/camera\.toml", "camera.toml", str(caught.value))

    return fault_of


def test_defaults(load, tmp_path):
    config = load(STREAM)
    assert config.engine == Engine(model=None, backend="auto", threads=None, batch=1)
    assert config.health == Health(listen="127.0.0.1:9560", token_file=None, page=True)
    assert config.events == Thresholds()
    assert config.state_dir == str(tmp_path / ".local/state/edge-attp")
    assert config.sinks == ()
    (stream,) = config.streams
    assert (stream.name, stream.source, stream.every) == ("door", "rtsp://camera/1", 1)


def test_systemd_names_the_state_directory(load, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edge-attp/main:/var/lib/other")
    assert load(STREAM).state_dir == "/var/lib/edge-attp/main"


def test_tables_have_the_fields_of_the_schema():
    pairs = [
        (Engine, schema.TABLES["engine"]),
        (Health, schema.TABLES["health"]),
        (Thresholds, schema.TABLES["events"]),
        (StreamTable, schema.STREAM),
    ]
    for record, table in pairs:
        assert set(record._fields) == set(table)


def test_an_end_may_stand_alone_where_the_model_says_where_events_start(load):
    assert load(STREAM + "[events]\nend = 0.7\n").events == Thresholds(end=0.7)


def test_paths_are_relative_to_the_file_or_to_the_state(load, tmp_path):
    (tmp_path / "pack").mkdir()
    text = '[engine]\nmodel = "pack"\n[service]\nstate_dir = "state"\n'
    text += '[[stream]]\nname = "a"\nsource = "clips/a.mp4"\n'
    text += '[[stream]]\nname = "b"\nsource = "-"\n[[stream]]\nname = "c"\nsource = "/dev/video0"\n'
    text += '[[sink]]\ntype = "jsonl"\n[[sink]]\ntype = "clips"\n'
    config = load(text)
    assert config.engine.model == str(tmp_path / "pack")
    assert [stream.source for stream in config.streams] == [
        str(tmp_path / "clips/a.mp4"),
        "-",
        "/dev/video0",
    ]
    assert config.sinks[0].options["path"] == str(tmp_path / "state/{stream}.jsonl")
    assert config.sinks[1].options["folder"] == str(tmp_path / "state/clips")


FAULTS = [
    # A value of the wrong kind: line, table, key, the value and what was expected.
    (
        STREAM + 'stall_s = "ten"\n',
        "camera.toml:4: stream 'door': stall_s: got \"ten\", expected a number of seconds above 0",
    ),
    (STREAM + "stall_s = 0\n", "got 0, expected a number of seconds above 0"),
    (STREAM + "stall_s = true\n", "got true, expected a number of seconds above 0"),
    (STREAM + "stall_s = inf\n", "expected a number of seconds above 0"),
    (STREAM + "parse_threads = 1.5\n", "threads: got 1.5, expected a whole number from 1 to 64"),
    (STREAM + "parse_threads = true\n", "threads: got true, expected a whole number from 1 to 64"),
    (STREAM + 'every = "frame"\n', 'expected "picture", "gop" or a whole number above 0'),
    (STREAM + "every = 0\n", "every: got 0"),
    (STREAM + "every = true\n", "every: got true"),
    (STREAM + "regions = 0\n", 'regions: got 0, expected "off" or a whole number from 1 to 16'),
    (STREAM + "regions = 17\n", "regions: got 17"),
    (STREAM + 'regions = "on"\n', 'regions: got "on"'),
    (STREAM + "transport = [1]\n", 'transport: got [1], expected one of "tcp", "udp"'),
    (STREAM + "anchor = 2026-11-22\n", "anchor: got 2026-11-22, expected a whole number"),
    ('[[stream]]\nname = "a b"\nsource = "x"\n', "camera.toml:2: stream 'a b': name: got"),
    ('[[stream]]\nname = ".."\nsource = "x"\n', "expected letters, digits and . _ - only"),
    ('[[stream]]\nname = "a"\nsource = ""\n', "camera.toml:3: stream 'a': source: got"),
    # What is missing: the line of the table.
    (
        '\n\n[[stream]]\nname = "a"\n',
        "camera.toml:3: stream 'a': source: is missing, expected a URL",
    ),
    ('[[stream]]\nsource = "a"\n', "camera.toml:1: stream 1: name: is missing"),
    ("", "camera.toml: has no [[stream]], so there is nothing to watch"),
    # What is not known, with the nearest name.
    (
        STREAM + "stal_s = 1\n",
        "camera.toml:4: stream 'door': stal_s: unknown key; did you mean \"stall_s\"?",
    ),
    (
        STREAM + "zzz = 1\n",
        "camera.toml:4: stream 'door': zzz: unknown key; known are name, source,",
    ),
    (STREAM + "batch = 1\n", 'batch: unknown key; did you mean "engine.batch"?'),
    (STREAM + "[heath]\n", 'camera.toml:4: heath: unknown table; did you mean "health"?'),
    (STREAM + "[[sinks]]\n", 'camera.toml:4: sinks: unknown table; did you mean "sink"?'),
    ('"str\\u0065am " = 1\n', 'camera.toml:1: "stream ": unknown key; did you mean "stream"?'),
    (
        "engine = 1\n" + STREAM,
        "camera.toml:1: engine: got 1, expected a table: write [engine] on a",
    ),
    (
        "[stream]\nname = 1\n",
        'camera.toml:1: stream: got {"name": 1}, expected a list of tables: write [[stream]] on a',
    ),
    ("stream = [1]\n", "camera.toml:1: stream: got [1], expected a list of tables"),
    # Sinks.
    (STREAM + "[[sink]]\n", "camera.toml:4: sink 1: type: is missing, expected one of"),
    (STREAM + "[[sink]]\ntype = []\n", "camera.toml:5: sink 1: type: got [], expected one of"),
    (
        STREAM + '[[sink]]\ntype = "jsonl"\nkeep = false\n',
        "keep: got false, expected a whole number",
    ),
    (
        STREAM + '[[sink]]\ntype = "mqt"\n',
        'camera.toml:5: sink 1 (mqt): type: got "mqt", expected one',
    ),
    (
        STREAM + '[[sink]]\ntype = "jsonl"\n[[sink]]\ntype = "jsonl"\nhost = "x"\n',
        "camera.toml:8: sink 2 (jsonl): host: unknown key; known are",
    ),
    (
        STREAM + '[[sink]]\ntype = "webhook"\nurl = "x"\n',
        "expected an address that begins with http://",
    ),
    (STREAM + '[[sink]]\ntype = "mqtt"\nport = 65536\n', "expected a port from 1 to 65535"),
    (
        STREAM + '[[sink]]\ntype = "jsonl"\nstreams = [\n  "door",\n  "dor",\n]\n',
        'camera.toml:8: sink 1 (jsonl): streams: there is no stream "dor"; known are door',
    ),
    (STREAM + '[[sink]]\ntype = "jsonl"\nstreams = []\n', "expected a list of names of streams"),
    # What only the whole tells.
    (STREAM + STREAM, "camera.toml:5: stream 'door': name: another stream has the name door too"),
    (
        STREAM + STREAM.replace("door", "b") + '[[sink]]\ntype = "overlay"\nurl = "udp://x:1"\n',
        "camera.toml:9: sink 1 (overlay): url: another stream is sent to udp://x:1 too",
    ),
    (
        STREAM + '[[sink]]\ntype = "overlay"\nurl = "udp://x:1"\n[[sink]]\ntype = "overlay"\n'
        'url = "udp://x:2"\n',
        "camera.toml:8: sink 2 (overlay): type: the stream door already has another overlay sink",
    ),
    (
        STREAM + "[events]\nstart = 0.3\nend = 0.5\n",
        "camera.toml:6: events.end: got 0.5, expected at most start, 0.3",
    ),
    (STREAM + "[events]\nstart = 1.5\n", "expected a number above 0 and at most 1"),
    (
        STREAM + '[health]\nlisten = "0.0.0.0:80"\n',
        "camera.toml:5: health.listen: 0.0.0.0:80 can be",
    ),
    (STREAM + '[health]\nlisten = "here"\n', 'expected an address such as "127.0.0.1:9560"'),
    (STREAM + '[health]\nlisten = "127.0.0.1:0"\n', "expected an address"),
    # Files that must be there.
    (STREAM + '[health]\ntoken_file = "none"\n', "camera.toml:5: health.token_file: /"),
    (STREAM + '[engine]\nmodel = "none"\n', "camera.toml:5: engine.model: there is no folder /"),
    (STREAM + '[[sink]]\ntype = "mqtt"\nca_file = "no"\n', "ca_file: there is no file /"),
]


@pytest.mark.parametrize("text, told", FAULTS, ids=range(len(FAULTS)))
def test_faults_name_place_and_expectation(fault, text, told):
    assert told in fault(text)


@pytest.mark.parametrize(
    "text",
    [
        STREAM + 'stall_s = "a\\nb"\nparse_threads = 0\n',
        STREAM + '"a\\nb" = 1\n',
        STREAM + '[[sink]]\ntype = "a\\nb"\n',
        '[[stream]]\nname = "a\\n"\nsource = "x"\n',
    ],
)
def test_the_first_of_several_faults_is_told_in_one_line(fault, text):
    assert "\n" not in fault(text)


def test_numbers_without_end_are_faults(fault):
    digits = "1" + "0" * 400
    assert "camera.toml:4: stream 'door': stall_s: got 1000" in fault(
        STREAM + "stall_s = " + digits
    )
    assert "threads: got 1000" in fault(STREAM + "parse_threads = " + digits)
    assert "threads: got " in fault(STREAM + "parse_threads = 0x" + "f" * 5000)
    assert "camera.toml" in fault(STREAM + "parse_threads = " + "1" * 5000)


def test_what_cannot_be_read_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        load_config(str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b'a = "\xff"\n')
    with pytest.raises(UsageError, match="not UTF-8"):
        load_config(str(tmp_path / "latin.toml"))
    (tmp_path / "large.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        load_config(str(tmp_path / "large.toml"))


def test_secrets_come_from_files_and_are_not_shown(load, tmp_path, caplog):
    secret = tmp_path / "token"
    secret.write_text("swordfish\n")
    secret.chmod(0o640)
    config = load(STREAM + '[health]\nlisten = "0.0.0.0:1"\ntoken_file = "token"\n')
    assert config.health.token_file.text == "swordfish"
    assert "swordfish" not in repr(config) + str(config.health.token_file)
    assert not caplog.records


def test_secrets_that_everybody_can_read_are_warned_of(load, tmp_path, caplog):
    secret = tmp_path / "token"
    secret.write_text("swordfish\n")
    secret.chmod(0o644)
    load(STREAM + '[health]\ntoken_file = "token"\n')
    assert "chmod o= " in caplog.text and "swordfish" not in caplog.text
    assert stat.S_IMODE(secret.stat().st_mode) == 0o644


def test_an_empty_secret_is_refused(fault, tmp_path):
    (tmp_path / "token").write_text("\n")
    assert "is empty" in fault(STREAM + '[health]\ntoken_file = "token"\n')


@pytest.mark.parametrize("line, regions", [("", None), ('regions = "off"', 0), ("regions = 4", 4)])
def test_regions(load, line, regions):
    assert load(STREAM + line + "\n").streams[0].regions == regions


def test_the_example_is_right_and_shows_every_key(load):
    assert load(write_example()).streams[0].name == "door"
    tables = (
        list(schema.TABLES.values()) + list(schema.SINKS.values()) + [schema.STREAM, schema.SINK]
    )
    for name in {name for table in tables for name in table}:
        assert re.search(rf"^#?{name} = ", write_example(), re.M), name


def test_the_example_is_right_with_everything_switched_on(load, tmp_path):
    text = re.sub(r"(?m)^#(?=\[\[|\w+ = )", "", write_example())
    for name in re.findall(r'(?m)^\w+_file = "(.+?)"', text):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "pack").mkdir()
    text = text.replace('"/opt/edge-attp/packs/fight"', '"pack"')
    config = load(text)
    assert [sink.type for sink in config.sinks] == list(schema.SINKS)
    for kind, sink in zip(schema.SINKS, config.sinks):
        defaults = {name: key.default for name, key in schema.SINKS[kind].items()}
        shown = {name: sink.options[name] for name, value in defaults.items() if value is not None}
        for name, value in shown.items():
            written = defaults[name]
            is_path = schema.SINKS[kind][name].kind.base == "state"
            assert written is schema.REQUIRED or is_path or value == written, (kind, name)


def test_check_config_says_what_would_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/x")
    path = tmp_path / "camera.toml"
    path.write_text(
        '[[stream]]\nname = "door"\nsource = "rtsp://me:swordfish@camera/1"\nevery = "gop"\n'
        '[[stream]]\nname = "hall"\nsource = "a.mp4"\n'
        '[[sink]]\ntype = "mqtt"\nhost = "broker"\nstreams = ["door"]\n'
        '[[sink]]\ntype = "webhook"\nurl = "http://me:swordfish@hook/x"\nstreams = ["door"]\n'
    )
    assert main(["serve", "--check-config", "--config", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "swordfish" not in shown
    assert re.search(r"stream door +rtsp://me:\*\*\*@camera/1, one picture of each group", shown)
    assert re.search(r"to mqtt +broker edge-attp/door/event", shown)
    assert re.search(r"to webhook +http://me:\*\*\*@hook/x", shown)
    assert re.search(rf"stream hall +{re.escape(str(tmp_path))}/a.mp4, every picture", shown)
    assert "no [[sink]] takes this stream" in shown


def test_check_config_of_a_wrong_one_ends_with_2(tmp_path, capsys):
    path = tmp_path / "camera.toml"
    path.write_text(STREAM + "stal_s = 1\n")
    assert main(["serve", "--check-config", "--config", str(path)]) == 2
    assert f"{path}:4: stream 'door'" in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == ["camera.toml"]


def test_example_is_printed(capsys):
    assert main(["serve", "--example"]) == 0
    assert capsys.readouterr().out == write_example()


def test_old_names_of_keys_still_work_and_say_what_is_new(load, tmp_path, caplog):
    (tmp_path / "pack").mkdir()
    config = load(STREAM + 'threads = 2\n[engine]\npack = "pack"\nthreads = 3\n')
    assert config.streams[0].parse_threads == 2
    assert (config.engine.model, config.engine.threads) == (str(tmp_path / "pack"), 3)
    assert sorted(record.getMessage().split(": ", 1)[1] for record in caplog.records) == [
        "engine.pack: is now called model",
        "stream 'door': threads: is now called parse_threads",
    ]
    assert "camera.toml:6: engine.pack" in caplog.text


def test_an_old_name_beside_the_new_one_is_refused(fault):
    text = STREAM + "threads = 2\nparse_threads = 2\n"
    assert "threads: is now called parse_threads, which is given too" in fault(text)


def test_what_an_old_name_holds_is_checked_in_its_line(fault):
    assert "camera.toml:4: stream 'door': parse_threads: got 0" in fault(STREAM + "threads = 0\n")
