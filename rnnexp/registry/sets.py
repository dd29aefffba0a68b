"""The table of the registry: every public set with its files, addresses, sizes and hashes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["SETS", "RegistryFile", "RegistrySet"]


# What the registry knows of a data set and of each of its files.


@dataclass(frozen=True)
class RegistryFile:
    """A single file in a safe form: text, CSV, CoNLL-U, or gzip of text or IDX.

    path: where it lies in the cache. url: its public address. bytes, sha256: of the file as it is
    published; None where that is not known for sure.
    """

    path: str
    url: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class RegistrySet:
    """A data set under its name; `use` says which task shape it suits."""

    name: str
    title: str
    licence: str
    use: str
    files: tuple[RegistryFile, ...]

    @property
    def bytes(self) -> int | None:
        """The size of all files together; None where that of one is not known."""
        sizes = [file.bytes for file in self.files if file.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None

    @property
    def folder(self) -> str | None:
        """The one folder of the cache that holds all its files and nothing else; None if none."""
        parents = {str(PurePosixPath(file.path).parent) for file in self.files}
        return None if len(parents) > 1 or parents == {"."} else parents.pop()


# The table of the registry: every public set with its files, addresses, sizes and hashes.

GITHUB = "https://raw.githubusercontent.com"
CHAR_RNN = f"{GITHUB}/karpathy/char-rnn/master/data"
NAMES = f"{GITHUB}/spro/practical-pytorch/master/data/names"
MOVIE_REVIEWS = f"{GITHUB}/dennybritz/cnn-text-classification-tf/master/data/rt-polaritydata"
MULTI30K = f"{GITHUB}/multi30k/dataset/master/data/task1/raw"
EWT = f"{GITHUB}/UniversalDependencies/UD_English-EWT/4c89b5833a70aa5ed3a00bad2f23f57992cc7df8"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
FASHION = f"{GITHUB}/zalandoresearch/fashion-mnist/master/data/fashion"
BROWNLEE = f"{GITHUB}/jbrownlee/Datasets/master"
VEGA = f"{GITHUB}/vega/vega-datasets/main/data"
NSMC = f"{GITHUB}/e9t/nsmc/master"

Row = tuple[str, str, int | None, str | None]


def _files(folder: str, base: str, rows: Iterable[Row]) -> tuple[RegistryFile, ...]:
    """Rows of name here, name there, bytes and SHA-256."""
    return tuple(
        RegistryFile(f"{folder}/{here}", f"{base}/{there}", size, digest)
        for here, there, size, digest in rows
    )


# fmt: off
_LANGUAGES: dict[str, tuple[int, str]] = {
    "Arabic": (13_190, "6f424a8dbe51cbbbabab7a57d38b617210125e4e3991f3c657cb79b8f104bafc"),
    "Chinese": (1_246, "09ba8f1f7e38dbc99372d461b26ad4433b811fc6bfa6a3ecca6fe11a9a777465"),
    "Czech": (3_916, "e17ab0ec47616a72c39cb85c783f70c3663ab64488721e5d8378f146d2226be7"),
    "Dutch": (2_351, "924f32b635170eae561f84538632138fc07d4c8bbd70ba3fb980de1ecc4d2af3"),
    "English": (27_125, "9cca037066d3d5989e24bc01801416162de506b5e28e15b7c092a47905d29bf2"),
    "French": (2_178, "81e65b36c60ed5b89a17422f6edcadbb89546f38ad69e960e64e7ba682012a95"),
    "German": (5_610, "7449cd590b97a733e18d613a4155decd77ec35dc5f8aadd7a82204dce4f051db"),
    "Greek": (1_981, "3555b5186de7f401e6d991b088e9e644ca3099116477818c25ab5793801389e6"),
    "Irish": (1_858, "cf8c7013256252a88d2503127b87282a11f21b2ff6db1bded68834c19a1ec058"),
    "Italian": (5_657, "f88414c27d0606a11a678b4859277828c2565d6cc4d9ee932deef6e94f3b35e4"),
    "Japanese": (7_622, "e0e717e114fec3e7eade4d9dabe0067c475f43147e36a22b47902ee76ad9e67f"),
    "Korean": (423, "cd54221ccb362a6cba4c78828838cf3268a0e59744767a37cf6ec4b74036b136"),
    "Polish": (1_165, "45bab898af2f60ed3a728bbf6980e28821011a7caa53227553b5785903a40826"),
    "Portuguese": (554, "50a8735f41f4f73757c8ce5b16cb0275cd86b2b214bcbc8c9805f508cb131c53"),
    "Russian": (85_168, "0cfe53ac18041e8f63666aa77313e0a3ff378facb132abee052d8ebdc8c3d62c"),
    "Scottish": (752, "78d0252711d87d948ea86fe34826c51d2d794a8e52d15b5d6f7b6244d45d62dd"),
    "Spanish": (2_284, "1bcb462ed3316756a85781d68232bddae04498fdddd5d9219c53fd1fbdeba7a7"),
    "Vietnamese": (339, "f3f9e4164ab47601178a6e45b216464a64122f49d05541f24bf18a757253281d"),
}

_NAMES = _files("names", NAMES, (
    (f"{language}.txt", f"{language}.txt", size, digest)
    for language, (size, digest) in _LANGUAGES.items()
))

_MOVIE_REVIEWS = _files("movie_reviews", MOVIE_REVIEWS, (
    ("rt-polarity.neg", "rt-polarity.neg", 612_506,
     "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd"),
    ("rt-polarity.pos", "rt-polarity.pos", 626_395,
     "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58"),
))

_MULTI30K = _files("multi30k", MULTI30K, (
    ("train.en.gz", "train.en.gz", 568_929,
     "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    ("train.fr.gz", "train.fr.gz", 604_242,
     "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"),
    ("val.en.gz", "val.en.gz", 21_650,
     "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    ("val.fr.gz", "val.fr.gz", 23_001,
     "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"),
    ("test2016.en.gz", "test_2016_flickr.en.gz", 21_077,
     "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
    ("test2016.fr.gz", "test_2016_flickr.fr.gz", 22_310,
     "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90"),
))

_EWT = _files("ud_english_ewt", EWT, (
    ("en_ewt-ud-train.conllu", "en_ewt-ud-train.conllu", None,
     "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"),
    ("en_ewt-ud-dev.conllu", "en_ewt-ud-dev.conllu", 1_805_545,
     "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"),
    ("en_ewt-ud-test.conllu", "en_ewt-ud-test.conllu", 1_804_515,
     "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd"),
))

_MNIST_TRAIN = _files("mnist", MNIST, (
    ("train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz", 9_912_422,
     "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    ("train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz", 28_881,
     "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
))
_MNIST_TEST = _files("mnist_t10k", MNIST, (
    ("t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz", 1_648_877,
     "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    ("t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 4_542,
     "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
))

_FASHION = _files("fashion_mnist", FASHION, (
    ("train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz", 26_421_880,
     "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    ("train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz", 29_515,
     "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    ("t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz", 4_422_102,
     "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    ("t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 5_148,
     "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
))

_NSMC = _files("nsmc", NSMC, (
    ("ratings_train.txt", "ratings_train.txt", None,
     "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940"),
    ("ratings_test.txt", "ratings_test.txt", None,
     "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda"),
))
# fmt: on

SETS = (
    RegistrySet(
        "tinyshakespeare",
        "Tiny Shakespeare, 1.1 MB of plays",
        "public domain",
        "language model (many-to-many), generation",
        (
            RegistryFile(
                "tinyshakespeare.txt",
                f"{CHAR_RNN}/tinyshakespeare/input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
    ),
    RegistrySet(
        "names",
        "20,050 surnames in 18 languages, one file each",
        "MIT",
        "name to language (many-to-one), language to name (one-to-many)",
        _NAMES,
    ),
    RegistrySet(
        "movie_reviews",
        "5,331 positive and 5,331 negative review sentences (Pang and Lee, 2005)",
        "research use",
        "sentiment (many-to-one)",
        _MOVIE_REVIEWS,
    ),
    RegistrySet(
        "multi30k",
        "31,014 English-French caption pairs: train, val, test2016 (gzip)",
        "research use",
        "translation (many-to-many, delayed)",
        _MULTI30K,
    ),
    RegistrySet(
        "ud_english_ewt",
        "English Web Treebank of Universal Dependencies, release 2.16 (CoNLL-U)",
        "CC BY-SA 4.0",
        "part-of-speech tags (many-to-many, aligned)",
        _EWT,
    ),
    RegistrySet(
        "mnist",
        "70,000 handwritten digits, 28x28 (IDX, gzip)",
        "CC BY-SA 3.0",
        "pixel by pixel (many-to-one), digit to word (one-to-many)",
        _MNIST_TRAIN + _MNIST_TEST,
    ),
    RegistrySet(
        "mnist_t10k",
        "the 10,000 test digits of mnist alone",
        "CC BY-SA 3.0",
        "pixel by pixel (many-to-one), digit to word (one-to-many)",
        _MNIST_TEST,
    ),
    RegistrySet(
        "fashion_mnist",
        "70,000 pictures of clothes, 28x28 (IDX, gzip)",
        "MIT",
        "row by row or pixel by pixel (many-to-one)",
        _FASHION,
    ),
    RegistrySet(
        "nsmc",
        "200,000 Korean movie reviews, positive or negative (TSV)",
        "CC0",
        "sentiment, character by character (many-to-one)",
        _NSMC,
    ),
    RegistrySet(
        "monthly_sunspots",
        "Sunspot numbers, monthly, 1749-1983 (CSV)",
        "public facts",
        "forecasting (many-to-one)",
        (
            RegistryFile(
                "monthly-sunspots.csv",
                f"{BROWNLEE}/monthly-sunspots.csv",
                45_039,
                "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3",
            ),
        ),
    ),
    RegistrySet(
        "airline_passengers",
        "Airline passengers in thousands, monthly, 1949-1960 (CSV)",
        "public facts",
        "forecasting with trend and season (many-to-one)",
        (
            RegistryFile(
                "airline-passengers.csv",
                f"{BROWNLEE}/airline-passengers.csv",
                2_180,
                "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621",
            ),
        ),
    ),
    RegistrySet(
        "daily_temperatures",
        "Daily minimum temperatures in Melbourne, 1981-1990 (CSV)",
        "public facts",
        "forecasting (many-to-one)",
        (
            RegistryFile(
                "daily-min-temperatures.csv",
                f"{BROWNLEE}/daily-min-temperatures.csv",
            ),
        ),
    ),
    RegistrySet(
        "daily_births",
        "Daily births of girls in California, 1959 (CSV)",
        "public facts",
        "forecasting (many-to-one)",
        (
            RegistryFile(
                "daily-total-female-births.csv",
                f"{BROWNLEE}/daily-total-female-births.csv",
            ),
        ),
    ),
    RegistrySet(
        "stocks",
        "Monthly prices of five stocks, 2000-2010 (CSV, long form)",
        "public facts",
        "forecasting several series (many-to-one)",
        (
            RegistryFile(
                "stocks.csv",
                f"{VEGA}/stocks.csv",
                12_245,
                "f9953ac6693e587476b4ebf2f0b00d9bb95371ca8c39da4cc6155077b3e417cd",
            ),
        ),
    ),
)
"""every set, in the order of `rnnexp data ls`"""
