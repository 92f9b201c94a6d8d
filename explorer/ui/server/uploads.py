"""Uploads: how large a file of each kind may be, checked while it arrives."""

import shutil
from pathlib import Path

from gradio import route_utils
from gradio.utils import get_upload_folder
from starlette.datastructures import FormData

from explorer.core.errors import DataError
from explorer.services.published import MAX_OWN_BYTES
from explorer.services.temporary import ensure
from explorer.ui.components import MAX_BYTES, WEIGHTS
from explorer.ui.server import own_files, visitors

NO_ROOM = "There is no room for uploads at the moment. Try again in an hour."
SPARE_BYTES = 2**30
"""Space on the disk that uploads leave free."""
KEPT_OF_ONE = 8 * 2**30
"""Bytes of one visitor's uploads at a time."""
FILES, FIELDS = 300, 4
"""Files in one upload, and fields beside them."""


class _Folder:
    """In place of the hash by which gradio names an upload's folder: a folder of the visitor that nobody can guess."""

    def __init__(self):
        self._name = own_files.new_folder_name(visitors.current.get())

    def update(self, _: bytes) -> None:
        """Takes the contents, of which the name tells nothing."""

    def hexdigest(self) -> str:
        return self._name


def upload_folder() -> Path:
    """Where uploads and files that are made for visitors lie; made anew where somebody removed it."""
    folder = Path(get_upload_folder())
    ensure(folder)
    return folder


def largest(name: str) -> int:
    """Bytes that an uploaded file of this name may have."""
    return MAX_OWN_BYTES if Path(name).suffix.lower() in WEIGHTS else MAX_BYTES


class ByKind(route_utils.GradioMultiPartParser):
    """gradio's reader of uploads, which knows one limit for all, with a limit for each kind of file.

    Files go to the folder of the visitor who sends them. What was written of an upload that breaks off is removed;
    gradio's own reader leaves it behind.
    """

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **{**named, "max_files": FILES, "max_fields": FIELDS})

    def on_headers_finished(self) -> None:
        upload_folder()  # gradio makes a missing one anew, but open to all
        super().on_headers_finished()
        file = self._current_part.file
        if file is None:
            return
        file.sha = _Folder()
        self.max_file_size = largest(file.filename or "")
        if own_files.kept(visitors.current.get()) > KEPT_OF_ONE:
            raise route_utils.MultiPartException("Too many uploads from here are still kept. Try again in 15 minutes.")
        if self.upload_dir and shutil.disk_usage(self.upload_dir).free < SPARE_BYTES + self.max_file_size:
            raise route_utils.MultiPartException(NO_ROOM)

    async def parse(self) -> FormData:
        try:
            return await super().parse()
        except BaseException as error:  # the visitor left, or sent what is refused
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            if isinstance(error, OSError | DataError):
                raise route_utils.MultiPartException(str(error) if isinstance(error, DataError) else NO_ROOM) from error
            raise


def remove_upload(path: Path) -> None:
    """Remove an uploaded file that was read. What lies elsewhere, whatever a request named, is left alone."""
    folder = Path(get_upload_folder()).resolve()
    if path.parent.resolve().is_relative_to(folder):
        path.unlink(missing_ok=True)


def limit_by_kind() -> None:
    """Have gradio read uploads with `ByKind`; it offers no setting for it."""
    route_utils.GradioMultiPartParser = ByKind
