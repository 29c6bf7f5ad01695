"""Draws people and places with OpenGL, without a screen (EGL) and, with Mesa's llvmpipe, without a GPU."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import MissingExtra

from . import shaders
from .meshes import Mesh, Surface

_SAMPLES = 4  # of each pixel, against steps at edges
_SHADOW_SIZE = 512


Window = Tuple[int, int, int, int]  # left, top, right, bottom; pixels


class Light(NamedTuple):
    """sun: the direction towards it. sunshine, sky: colours, in parts of a white surface's."""

    sun: Tuple[float, float, float]
    sunshine: Tuple[float, float, float]
    sky: Tuple[float, float, float]
    softness: float  # of shadows, in texels of 1/512 of the lit area
    centre: Tuple[float, float, float]  # of the area in which there are shadows
    radius: float  # of it, metres


class Person(NamedTuple):
    """A surface and where its bones are. matrices: float (bones, 3, 4). weave: see shaders.PEOPLE."""

    mesh: int
    matrices: np.ndarray
    weave: Tuple[float, float, float, float]


class _Drawn(NamedTuple):
    """The vertex arrays of one shape: for the picture and for the shadows, and its texture."""

    seen: Any
    shadow: Any
    texture: Any


class Renderer:
    """Pictures of one size. A context belongs to the thread that made it."""

    def __init__(self, width: int, height: int) -> None:
        gl = _load()
        self._gl = gl
        self._context = context(gl)
        self._size = (width, height)
        sources = {
            "people": shaders.PEOPLE,
            "people_shadow": shaders.PEOPLE_SHADOW,
            "surface": shaders.SURFACE,
            "surface_shadow": shaders.SURFACE_SHADOW,
            "catcher": shaders.CATCHER,
            "backdrop": shaders.BACKDROP,
        }
        self._programs: Dict[str, Any] = {
            name: self._context.program(vertex_shader=vertex, fragment_shader=fragment)
            for name, (vertex, fragment) in sources.items()
        }
        self._make_targets()
        self.clear()

    def clear(self) -> None:
        """Forget all shapes."""
        for drawn in getattr(self, "_owned", []):
            drawn.release()
        self._owned: List[Any] = []
        self._textures: List[Tuple[np.ndarray, Any]] = []
        self._people: List[_Drawn] = []
        self._surfaces: List[_Drawn] = []
        self._catcher: Optional[Any] = None
        self._backdrop: Optional[Any] = None
        self._backdrop_texture: Optional[Any] = None

    def add_person(self, mesh: Mesh) -> int:
        """Keep a person's surface; return its number, for `Person`."""
        columns = [mesh.vertices, mesh.normals, mesh.bones, mesh.weights, mesh.colours]
        packed = np.concatenate([np.asarray(c, np.float32) for c in columns], axis=1)
        buffer, index = self._buffer(packed), self._buffer(np.asarray(mesh.faces, np.int32))
        layout = ("3f 3f 4f 4f 3f", "at", "normal", "bone", "weight", "colour")
        shadow = ("3f 3x4 4f 4f 3x4", "at", "bone", "weight")
        self._people.append(
            _Drawn(
                self._array("people", buffer, layout, index),
                self._array("people_shadow", buffer, shadow, index),
                None,
            )
        )
        return len(self._people) - 1

    def add_surface(self, surface: Surface, casts_shadow: bool = True) -> None:
        """Keep a part of the place."""
        buffer, index = self._surface_buffers(surface)
        layout, shadow = ("3f 3f 2f", "at", "normal", "place"), ("3f 5x4", "at")
        self._surfaces.append(
            _Drawn(
                self._array("surface", buffer, layout, index),
                self._array("surface_shadow", buffer, shadow, index) if casts_shadow else None,
                self._texture(surface.texture),
            )
        )

    def set_catcher(self, surface: Surface) -> None:
        """Take a surface of which only the shadows upon it are drawn."""
        buffer, index = self._surface_buffers(surface)
        self._catcher = self._array("catcher", buffer, ("3f 5x4", "at"), index)

    def set_backdrop(self, photograph: np.ndarray) -> None:
        """Take a photograph, uint8 (rows, columns, 3), as what is infinitely far away."""
        corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
        self._backdrop_texture = self._texture(photograph)
        buffer = self._buffer(corners)
        self._backdrop = self._array("backdrop", buffer, ("2f", "corner"), None)

    def picture(
        self, view: np.ndarray, look: np.ndarray, light: Light, people: Sequence[Person]
    ) -> np.ndarray:
        """Draw: RGB uint8 (height, width, 3).

        view: float (4, 4), from metres to the picture's corners at -1 and 1, y down. look: (3, 3), from these corners
        to the photograph's at 0 and 1.
        """
        whole = (0, 0, *self._size)
        (picture,) = self.parts(view, look, light, people, [whole])
        return picture

    def parts(
        self,
        view: np.ndarray,
        look: np.ndarray,
        light: Light,
        people: Sequence[Person],
        windows: Sequence[Window],
    ) -> List[np.ndarray]:
        """Draw parts of a picture, RGB uint8: the same samples as in the whole one."""
        sun_view = _sun_view(light)
        self._draw_shadows(sun_view, people)
        self._shadows.use(0)
        self._prepare(view, look, sun_view, light)
        parts = []
        for left, top, right, bottom in windows:
            part = (left, top, right - left, bottom - top)
            self._target.scissor = self._plain.scissor = part
            self._target.use()
            self._target.clear(*(0.6 * c for c in light.sky), depth=1.0)
            self._draw_backdrop()
            self._draw_seen(people)
            self._context.copy_framebuffer(self._plain, self._target)
            raw = self._plain.read(viewport=part, components=3, alignment=1)
            parts.append(np.frombuffer(raw, np.uint8).reshape(bottom - top, right - left, 3))
        return parts

    def close(self) -> None:
        """Release the context."""
        self.clear()
        self._context.release()

    def _make_targets(self) -> None:
        gl = self._context
        self._target = gl.framebuffer(
            [gl.renderbuffer(self._size, 4, samples=_SAMPLES)],
            gl.depth_renderbuffer(self._size, samples=_SAMPLES),
        )
        self._plain = gl.framebuffer([gl.renderbuffer(self._size, 4)])
        self._shadows = gl.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadows.compare_func = "<="
        self._shadows.filter = (self._gl.LINEAR, self._gl.LINEAR)
        self._shadow_target = gl.framebuffer(depth_attachment=self._shadows)
        gl.enable(self._gl.DEPTH_TEST)

    def _draw_shadows(self, sun_view: np.ndarray, people: Sequence[Person]) -> None:
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        self._write("people_shadow", view=sun_view.T)
        self._write("surface_shadow", view=sun_view.T)
        for person in people:
            self._write("people_shadow", bones=_padded(person.matrices))
            self._people[person.mesh].shadow.render()
        for surface in self._surfaces:
            if surface.shadow is not None:
                surface.shadow.render()

    def _draw_backdrop(self) -> None:
        if self._backdrop is not None and self._backdrop_texture is not None:
            self._backdrop_texture.use(1)
            self._context.disable(self._gl.DEPTH_TEST)
            self._backdrop.render()
            self._context.enable(self._gl.DEPTH_TEST)

    def _prepare(
        self, view: np.ndarray, look: np.ndarray, sun_view: np.ndarray, light: Light
    ) -> None:
        self._write("backdrop", look=look.T)
        self._programs["backdrop"]["picture"] = self._programs["surface"]["picture"] = 1
        for name in ("people", "surface", "catcher"):
            program = self._programs[name]
            self._write(name, view=view.T, sun_view=sun_view.T)
            program["shadows"] = 0
            program["sun"] = light.sun
            program["sunshine"] = light.sunshine
            program["sky"] = light.sky
            program["softness"] = light.softness

    def _draw_seen(self, people: Sequence[Person]) -> None:
        gl = self._gl
        if self._catcher is not None:
            self._context.enable(gl.BLEND)
            self._context.blend_func = (gl.DST_COLOR, gl.ZERO)
            self._catcher.render()
            self._context.disable(gl.BLEND)
        for surface in self._surfaces:
            surface.texture.use(1)
            surface.seen.render()
        for person in people:
            self._programs["people"]["weave"] = person.weave
            self._write("people", bones=_padded(person.matrices))
            self._people[person.mesh].seen.render()

    def _write(self, program: str, **uniforms: np.ndarray) -> None:
        for name, value in uniforms.items():
            self._programs[program][name].write(np.ascontiguousarray(value, np.float32).tobytes())

    def _surface_buffers(self, surface: Surface) -> Tuple[Any, Any]:
        packed = np.concatenate([surface.vertices, surface.normals, surface.places], axis=1)
        return self._buffer(packed.astype(np.float32)), self._buffer(surface.faces)

    def _buffer(self, content: np.ndarray) -> Any:
        buffer = self._context.buffer(np.ascontiguousarray(content).tobytes())
        self._owned.append(buffer)
        return buffer

    def _array(self, program: str, buffer: Any, layout: Tuple[str, ...], index: Any) -> Any:
        array = self._context.vertex_array(
            self._programs[program], [(buffer, *layout)], index_buffer=index
        )
        self._owned.append(array)
        return array

    def _texture(self, picture: np.ndarray) -> Any:
        for known, texture in self._textures:
            if known is picture:
                return texture
        rows, columns = picture.shape[:2]
        texture = self._context.texture(
            (columns, rows), 3, np.ascontiguousarray(picture).tobytes(), alignment=1
        )
        texture.build_mipmaps()
        texture.filter = (self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR)
        self._owned.append(texture)
        self._textures.append((picture, texture))
        return texture


def check() -> None:
    """Raise MissingExtra if this machine cannot draw."""
    gl = _load()
    context(gl).release()


def context(gl: Any) -> Any:
    """Return a context without a screen."""
    try:
        return gl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:  # whatever the driver's loader raises
        said = " ".join(str(error).split())
        raise MissingExtra(
            f"bodies need OpenGL 3.3 over EGL, which cannot be had ({said}): "
            "apt-get install libegl1 libgl1-mesa-dri"
        ) from None


def _load() -> Any:
    try:
        return importlib.import_module("moderngl")
    except ImportError as error:
        raise MissingExtra(
            f"bodies need the package moderngl, which cannot be imported ({error}): "
            "pip install 'edge-attp-export[bodies]'"
        ) from None


@contextlib.contextmanager
def rendering(width: int, height: int) -> Iterator[Renderer]:
    """Yield a renderer that is closed afterwards."""
    renderer = Renderer(width, height)
    try:
        yield renderer
    finally:
        renderer.close()


def _padded(matrices: np.ndarray) -> np.ndarray:
    """As the program takes them: float32 (MOST_BONES, 4, 3), columns first."""
    padded = np.zeros((shaders.MOST_BONES, 4, 3), np.float32)
    padded[: len(matrices)] = np.swapaxes(matrices, 1, 2)
    return padded


def _sun_view(light: Light) -> np.ndarray:
    """From metres to the shadows' corners, as the sun sees the lit area: (4, 4)."""
    towards = np.array(light.sun) / np.linalg.norm(light.sun)
    side = np.cross((0.0, 1.0, 0.0) if abs(towards[1]) < 0.99 else (1.0, 0.0, 0.0), towards)
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(towards, side), -towards])
    matrix = np.eye(4)
    matrix[:3, :3] = axes / light.radius
    matrix[2, :3] /= 3.0  # tall things cast shadows from far above the area
    matrix[:3, 3] = -matrix[:3, :3] @ np.array(light.centre)
    return matrix
