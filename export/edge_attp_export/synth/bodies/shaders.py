"""The programs of the renderer, in GLSL 3.3: skinned people, textured surfaces, and what is far behind."""

from __future__ import annotations

MOST_BONES = 64

# Light from the sun, which shadows take away, and from the sky. `seen` is in metres.
_LIGHT = """
uniform sampler2DShadow shadows;
uniform mat4 sun_view;
uniform vec3 sun;       // towards it
uniform vec3 sunshine;  // its colour
uniform vec3 sky;       // colour of all other light
uniform float softness; // of shadows, in their texels

float lit(vec3 seen, vec3 normal) {
    vec4 place = sun_view * vec4(seen + normal * 0.02, 1.0);
    vec3 at = place.xyz * 0.5 + 0.5;
    if (any(lessThan(at.xy, vec2(0.0))) || any(greaterThan(at.xy, vec2(1.0)))) return 1.0;
    float step = softness / float(textureSize(shadows, 0).x);
    float near = at.z - 0.002;
    return 0.25 * (texture(shadows, vec3(at.xy + step * vec2(0.9, 0.3), near))
        + texture(shadows, vec3(at.xy + step * vec2(-0.3, 0.9), near))
        + texture(shadows, vec3(at.xy + step * vec2(-0.9, -0.3), near))
        + texture(shadows, vec3(at.xy + step * vec2(0.3, -0.9), near)));
}

vec3 light(vec3 seen, vec3 normal) {
    float facing = max(dot(normal, sun), 0.0);
    vec3 around = sky * (0.75 + 0.25 * normal.y);
    return around + sunshine * facing * (facing > 0.0 ? lit(seen, normal) : 0.0);
}
"""

_SKIN = f"""
uniform mat4x3 bones[{MOST_BONES}];
in vec3 at;
in vec3 normal;
in vec4 bone;
in vec4 weight;

mat4x3 skin() {{
    return weight.x * bones[int(bone.x)] + weight.y * bones[int(bone.y)]
        + weight.z * bones[int(bone.z)] + weight.w * bones[int(bone.w)];
}}
"""

PEOPLE = (
    "#version 330\n"
    + _SKIN
    + """
uniform mat4 view;
in vec3 colour;
out vec3 seen;
out vec3 facing;
out vec3 paint;
out vec3 cloth;  // the same point at rest
void main() {
    mat4x3 move = skin();
    seen = move * vec4(at, 1.0);
    facing = mat3(move) * normal;
    paint = colour;
    cloth = at;
    gl_Position = view * vec4(seen, 1.0);
}
""",
    "#version 330\n"
    + _LIGHT
    + """
uniform vec4 weave;  // stripes: across, upright; their strength; grain
in vec3 seen;
in vec3 facing;
in vec3 paint;
in vec3 cloth;
out vec4 colour;

float grain(vec3 cell) {
    return fract(sin(dot(floor(cell), vec3(12.9898, 78.233, 37.719))) * 43758.5453) - 0.5;
}

void main() {
    vec3 normal = normalize(facing);
    float stripes = sin(cloth.y * weave.x) * step(0.5, weave.x)
        + sin(cloth.x * weave.y) * step(0.5, weave.y);
    float shade = 1.0 + weave.z * stripes
        + weave.w * (grain(cloth * 40.0) + grain(cloth * 90.0));
    colour = vec4(paint * shade * light(seen, normal), 1.0);
}
""",
)

PEOPLE_SHADOW = (
    "#version 330\n"
    + _SKIN
    + """
uniform mat4 view;
void main() { gl_Position = view * vec4(skin() * vec4(at, 1.0), 1.0); }
""",
    "#version 330\nvoid main() {}\n",
)

SURFACE = (
    """#version 330
uniform mat4 view;
in vec3 at;
in vec3 normal;
in vec2 place;
out vec3 seen;
out vec3 facing;
out vec2 where;
void main() {
    seen = at;
    facing = normal;
    where = place;
    gl_Position = view * vec4(at, 1.0);
}
""",
    "#version 330\n"
    + _LIGHT
    + """
uniform sampler2D picture;
in vec3 seen;
in vec3 facing;
in vec2 where;
out vec4 colour;
void main() {
    colour = vec4(texture(picture, where).rgb * light(seen, normalize(facing)), 1.0);
}
""",
)

SURFACE_SHADOW = (
    """#version 330
uniform mat4 view;
in vec3 at;
void main() { gl_Position = view * vec4(at, 1.0); }
""",
    "#version 330\nvoid main() {}\n",
)

# A floor that is part of a photograph: only the shadows upon it are drawn, which multiply what is there.
CATCHER = (
    """#version 330
uniform mat4 view;
in vec3 at;
out vec3 seen;
void main() {
    seen = at;
    gl_Position = view * vec4(at, 1.0);
}
""",
    "#version 330\n"
    + _LIGHT
    + """
in vec3 seen;
out vec4 colour;
void main() {
    vec3 full = sky + sunshine * max(sun.y, 0.0);
    colour = vec4(light(seen, vec3(0.0, 1.0, 0.0)) / full, 1.0);
}
""",
)

# A photograph that is infinitely far away.
BACKDROP = (
    """#version 330
in vec2 corner;
out vec2 pixel;
void main() {
    pixel = corner;
    gl_Position = vec4(corner, 0.999999, 1.0);
}
""",
    """#version 330
uniform sampler2D picture;
uniform mat3 look;  // from the corners of the picture to those of the photograph
in vec2 pixel;
out vec4 colour;
void main() {
    vec3 at = look * vec3(pixel, 1.0);
    colour = vec4(texture(picture, at.xy / at.z).rgb, 1.0);
}
""",
)
