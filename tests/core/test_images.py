"""Pictures of every common form come in upright, on white and in 8 bits, and broken ones are refused in words."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from explorer.core.errors import PictureError
from explorer.core.images import MAX_PIXELS, encode_file, fit, read_picture, to_bytes, to_unit

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)


def file(image, format="png", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width, height, data=b""):
    """A PNG whose header claims a size, whatever its data."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def read(image, **options):
    return read_picture(file(image, **options)).pixels


# What EXIF says of the stored rows and columns, in numpy's terms.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_rotation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(file(Image.fromarray(PIXELS), exif=exif))
    assert np.array_equal(picture.pixels, UPRIGHT[orientation](PIXELS))
    assert bool(picture.notes) == (orientation != 1)
    large = PIXELS.repeat(16, 0).repeat(16, 1)
    pixels = read(Image.fromarray(large), format="jpeg", exif=exif, quality=95, subsampling=0)
    assert np.abs(pixels.astype(int) - UPRIGHT[orientation](large)).max() < 30


@pytest.mark.parametrize("orientation", [0, 9])
def test_meaningless_exif_rotation_turns_nothing_and_says_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(file(Image.fromarray(PIXELS), exif=exif))
    assert np.array_equal(picture.pixels, PIXELS) and picture.notes == ()


def test_alpha_is_laid_on_white():
    rgba = Image.fromarray(np.array([[[255, 0, 0, 255], [0, 0, 0, 0], [255, 0, 0, 128]]], np.uint8), "RGBA")
    picture = read_picture(file(rgba))
    assert picture.pixels.tolist() == [[[255, 0, 0], [255, 255, 255], [255, 127, 127]]]
    assert picture.notes == ("transparency laid on white",)
    la = Image.fromarray(np.array([[[10, 255], [0, 0], [0, 128]]], np.uint8), "LA")
    assert read(la).tolist() == [[[10] * 3, [255] * 3, [127] * 3]]


def test_opaque_alpha_is_not_mentioned():
    assert read_picture(file(Image.new("RGBA", (2, 2), (1, 2, 3, 255)))).notes == ()


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert read(image).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert read(image, transparency=0).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_grey_one_bit_and_cmyk():
    assert read(Image.new("L", (2, 2), 77)).tolist() == [[[77] * 3] * 2] * 2
    assert read(Image.new("1", (1, 1), 1)).tolist() == [[[255] * 3]]
    red = read(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), format="jpeg")
    assert np.abs(red.astype(int) - [255, 0, 0]).max() <= 3


def test_sixteen_bit_grey_is_scaled_and_rounded():
    values = [0, 128, 129, 257, 32767, 32768, 51529, 65535]
    picture = read_picture(file(Image.fromarray(np.array([values], np.uint16))))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 1, 1, 127, 128, 201, 255]
    assert picture.pixels.shape == (1, 8, 3) and picture.notes == ("scaled to 8 bits",)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    picture = read_picture(file(frames[0], "gif", save_all=True, append_images=frames[1:]))
    assert picture.pixels.tolist() == [[[255, 0, 0]] * 4] * 4
    assert picture.notes == ("first of 3 frames",)


def test_colour_profiles():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_picture(file(Image.fromarray(PIXELS), icc_profile=srgb))
    assert np.abs(picture.pixels.astype(int) - PIXELS).max() <= 1 and picture.notes == ()
    assert np.array_equal(read(Image.fromarray(PIXELS), icc_profile=b"nonsense"), PIXELS)


def test_longest_never_goes_below_what_is_asked():
    image = Image.new("RGB", (800, 400), "teal")
    assert read_picture(file(image, "jpeg"), longest=200).pixels.shape == (100, 200, 3)
    assert read_picture(file(image, "jpeg"), longest=201).pixels.shape == (200, 400, 3)
    assert read_picture(file(image), longest=100).pixels.shape == (400, 800, 3)


def test_one_pixel_is_a_picture():
    assert read(Image.new("RGB", (1, 1), (9, 8, 7))).tolist() == [[[9, 8, 7]]]


def test_a_line_is_refused():
    with pytest.raises(PictureError, match=r"1 x 5,000 pixels.*Crop it"):
        read(Image.new("RGB", (1, 5000)))
    with pytest.raises(PictureError, match=r"5,000 x 1 pixels"):
        read(Image.new("RGB", (5000, 1)))
    assert read(Image.new("RGB", (1, 16))).shape == (16, 1, 3)


@pytest.mark.parametrize("side", [10_001, 12_000, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_decoded(side, monkeypatch):
    assert side**2 > MAX_PIXELS
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(PictureError, match=r"pixels"):
        read_picture(png(side, side))


def test_the_bombs_are_well_formed():
    assert read_picture(png(1, 1, b"\0\7\7\7")).pixels.tolist() == [[[7, 7, 7]]]


NOISE = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"these are words, no picture", "not a picture"),
        (file(Image.fromarray(NOISE), "jpeg")[:1500], "damaged or cut off"),
        (file(Image.fromarray(NOISE))[:1500], "damaged or cut off"),
        (png(64, 64, b"\0\1\2"), "damaged or cut off"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "damaged|not a picture"),
    ],
)
def test_broken_files_are_refused_in_words(data, words, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        with pytest.raises(PictureError, match=words) as error:
            read_picture(source)
        assert str(error.value).endswith(".")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(PictureError, match=r"gone\.png can't be read"):
        read_picture(tmp_path / "gone.png")


def test_float_pictures_with_nan_are_refused():
    with pytest.raises(PictureError, match="NaN"):
        read(Image.fromarray(np.array([[0.5, np.nan]], np.float32)), format="tiff")


def test_fit_whole_keeps_the_whole_picture_in_multiples():
    assert fit(np.zeros((60, 100, 3), np.uint8), 96).shape == (56, 96, 3)
    assert fit(np.zeros((100, 60, 3), np.uint8), 96, multiple=16).shape == (96, 64, 3)
    assert fit(np.zeros((10, 160, 3), np.uint8), 64).shape == (8, 64, 3)
    halves = np.zeros((40, 80, 3), np.uint8)
    halves[:, 40:] = 200
    fitted = fit(halves, 160)
    assert fitted.shape == (80, 160, 3) and (fitted[:, :70] == 0).all() and (fitted[:, 90:] == 200).all()


def test_fit_square_takes_the_centre():
    thirds = np.zeros((30, 90, 3), np.uint8)
    thirds[:, :30, 0], thirds[:, 30:60, 1], thirds[:, 60:, 2] = 255, 255, 255
    for pixels in (thirds, thirds.swapaxes(0, 1)):
        inner = fit(pixels, 64, "square")[8:-8, 8:-8]  # the filter reaches a little beyond the square
        assert inner.tolist() == [[[0, 255, 0]] * 48] * 48
        assert fit(pixels, 64, "square").shape == (64, 64, 3)


def test_fit_leaves_what_fits_untouched():
    noise = np.random.default_rng(2).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    assert np.array_equal(fit(noise, 96), noise)
    assert np.array_equal(fit(noise, 64, "square"), noise[:, 16:80])


def test_fit_refuses_a_size_off_the_grid():
    with pytest.raises(PictureError, match="100 is not a multiple of 8"):
        fit(NOISE, 100)


def test_bytes_and_units():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 256, 1)
    unit = to_unit(levels)
    assert unit.dtype == np.float32 and unit.min() == 0 and unit.max() == 1
    assert np.array_equal(to_bytes(unit), levels)
    assert to_bytes(np.array([-1.0, 0.49 / 255, 0.51 / 255, 254.49 / 255, 254.51 / 255, 2.0])).tolist() == [
        0,
        0,
        1,
        254,
        255,
        255,
    ]


def test_encode_file_is_exact_as_png():
    assert np.array_equal(read_picture(encode_file(NOISE)).pixels, NOISE)
