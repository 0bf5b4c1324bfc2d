"""What Linux tells about a computer, read from a model of its files."""

from engine.devices import machine


def system(tmp_path, files=(), links=()):
    """A root folder with these files {path: text} and links {path: target}."""
    for path, text in dict(files).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for path, target in dict(links).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).symlink_to(target)
    return tmp_path


def test_programs_that_have_a_card_open_are_named_and_sound_servers_are_told_apart(tmp_path):
    root = system(tmp_path, {"proc/71/comm": "live\n", "proc/9/comm": "pipewire\n",
                             "proc/80/comm": "bash\n", "proc/81/comm": "alsamixer\n"},
                  {"proc/71/fd/3": "/dev/snd/pcmC1D0c", "proc/71/fd/4": "/dev/snd/pcmC1D0p",
                   "proc/71/fd/5": "/music/song", "proc/9/fd/3": "/dev/snd/pcmC0D0p",
                   "proc/81/fd/3": "/dev/snd/controlC1"})
    assert machine.sound_servers(root) == ["pipewire"]
    assert machine.sound_holders(root) == [("live", 71, "pcmC1D0c"), ("live", 71, "pcmC1D0p")]


def supply(kind, **words):
    return {f"sys/class/power_supply/{kind}/{name}": f"{word}\n" for name, word in words.items()}


def test_a_laptop_on_battery_is_known_from_one_on_its_charger(tmp_path):
    battery = supply("BAT0", type="Battery", status="Discharging", capacity="61")
    assert machine.battery(system(tmp_path / "a", battery)) == (True, 61)
    charging = {**battery, **supply("BAT0", status="Charging"),
                **supply("AC", type="Mains", online="1")}
    assert machine.battery(system(tmp_path / "b", charging)) == (False, 61)


def test_a_wireless_mouse_s_battery_is_not_the_computer_s(tmp_path):
    mouse = supply("hid", type="Battery", scope="Device", status="Discharging", capacity="9")
    assert machine.battery(system(tmp_path, mouse)) == (None, None)


def test_governors_and_memory_are_read(tmp_path):
    cores = {f"sys/devices/system/cpu/cpu{n}/cpufreq/scaling_governor": "powersave\n"
             for n in range(4)}
    root = system(tmp_path, {**cores, "proc/meminfo": "MemTotal: 8000000 kB\n"
                             "MemAvailable:    5000000 kB\n"})
    assert machine.governors(root) == ["powersave"]
    assert machine.available_mb(root) == 5000.0


def test_a_system_that_tells_nothing_is_no_error(tmp_path):
    assert machine.sound_servers(tmp_path) == []
    assert machine.sound_holders(tmp_path) == []
    assert machine.battery(tmp_path) == (None, None)
    assert machine.governors(tmp_path) == []
    assert machine.available_mb(tmp_path) is None


def test_the_disk_of_a_folder_to_come_is_the_one_above_it(tmp_path):
    assert machine.free_gb(tmp_path / "not" / "yet") > 0
