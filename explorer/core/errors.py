"""Errors a person can act on: each text says what came, what was expected and what to do."""


class ExplorerError(ValueError):
    """Base of every error whose text is meant to be shown to a person as it stands."""


class PictureError(ExplorerError):
    """A picture that can't be read or shown."""


class CodesError(ExplorerError):
    """Codes that do not fit the tokenizer they were given to."""


class CheckpointError(ExplorerError):
    """A checkpoint whose files are missing, damaged or do not fit its config."""


class ConfigError(ExplorerError):
    """A JSON config with an unknown key, a missing key or a wrong type."""


class ArchiveError(ExplorerError):
    """A zip file from outside that is damaged, or holds more than it has room for."""


class JsonError(ConfigError):
    """JSON from outside that is damaged, or larger or deeper than what it is for."""


class UnknownModelError(ExplorerError):
    """A model id that the registry does not hold."""


class DataError(ExplorerError):
    """A data set that can't be trained on or measured with."""


class DeviceError(ExplorerError):
    """A device that this machine does not have."""


class DownloadError(ExplorerError):
    """A published model that could not be fetched."""
