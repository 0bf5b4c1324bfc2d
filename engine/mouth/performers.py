"""The people: nine mouths that differ as real ones do, and the corner each of them plays in."""

from dataclasses import dataclass

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class Corner:
    """Where somebody plays: the microphone and the room around it.

    low_cut_hz  where the microphone begins to hear, and top_hz where it ends
    tilt_db     how much brighter (or duller) it is than the mouth
    room_s      how long the room rings, and room_db how loud
    noise_db    the room's own noise, dBFS
    """

    low_cut_hz: float
    top_hz: float
    tilt_db: float
    room_s: float
    room_db: float
    noise_db: float


@dataclass(frozen=True, slots=True)
class Performer:
    """One mouth, one habit of playing, one corner to play in.

    tract_cm  lips to vocal folds; everything that rings scales with it
    kick_hz   where the kick's thump settles, and kick_ms how fast it dies
    hat_cm    the space behind the teeth: short is bright; hat_ms is how long "ts" hisses
    snare     the snare this performer reaches for
    voice_hz  the pitch they talk at
    range_db  from the softest to the loudest hit
    loose_ms  how far from the grid they play (standard deviation)
    voiced    0 dry plosives .. 1 spoken ones, "bu" and "ka"
    close     0 at arm's length .. 1 lips on the grille: the pop of the breath
    """

    name: str
    tract_cm: float
    kick_hz: float
    kick_ms: float
    hat_cm: float
    hat_ms: float
    snare: str
    voice_hz: float
    range_db: float
    loose_ms: float
    voiced: float
    close: float
    corner: Corner


PERFORMERS: tuple[Performer, ...] = (
    Performer("aki", 17.0, 68.0, 32.0, 1.25, 26.0, "pf", 110.0, 18.0, 5.0, 0.0, 0.6,
              Corner(45.0, 18e3, 0.0, 0.22, -24.0, -72.0)),
    Performer("bo", 18.5, 60.0, 45.0, 1.35, 34.0, "k", 92.0, 20.0, 8.0, 0.2, 0.9,
              Corner(35.0, 16e3, -1.0, 0.15, -28.0, -70.0)),
    Performer("chika", 14.6, 92.0, 20.0, 1.15, 22.0, "kh", 196.0, 16.0, 6.0, 0.5, 0.2,
              Corner(70.0, 19e3, 2.0, 0.35, -20.0, -66.0)),
    Performer("dov", 17.6, 80.0, 26.0, 1.60, 38.0, "k", 104.0, 14.0, 12.0, 0.9, 0.1,
              Corner(110.0, 13e3, -2.0, 0.45, -17.0, -58.0)),
    Performer("ema", 15.2, 104.0, 15.0, 1.20, 26.0, "pf", 208.0, 22.0, 9.0, 0.4, 0.3,
              Corner(60.0, 17e3, 0.0, 0.30, -22.0, -64.0)),
    Performer("fumi", 16.2, 84.0, 24.0, 1.10, 18.0, "kh", 147.0, 15.0, 3.0, 0.0, 0.8,
              Corner(40.0, 20e3, 2.0, 0.12, -30.0, -76.0)),
    Performer("gil", 19.0, 62.0, 60.0, 1.60, 42.0, "pf", 82.0, 24.0, 15.0, 0.6, 0.4,
              Corner(50.0, 12e3, -3.0, 0.50, -18.0, -60.0)),
    Performer("hana", 15.8, 110.0, 18.0, 1.15, 30.0, "k", 185.0, 18.0, 7.0, 1.0, 0.0,
              Corner(140.0, 14e3, 1.0, 0.28, -19.0, -55.0)),
    Performer("ike", 17.2, 72.0, 36.0, 1.40, 24.0, "pf", 123.0, 12.0, 10.0, 0.1, 1.0,
              Corner(40.0, 15e3, -2.0, 0.18, -26.0, -68.0)),
)


def performer(who: str | int | Performer) -> Performer:
    """A performer by name or by number (numbers go round).

    >>> performer("bo").snare, performer(0).name
    ('k', 'aki')
    """
    if isinstance(who, Performer):
        return who
    if isinstance(who, int):
        return PERFORMERS[who % len(PERFORMERS)]
    for known in PERFORMERS:
        if known.name == who:
            return known
    raise UsageError(f'no performer is called "{who}"; known: '
                     + ", ".join(p.name for p in PERFORMERS))
