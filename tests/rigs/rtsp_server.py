"""A camera: an RTSP server with a moving test picture. A program for the system's Python, whose GStreamer it needs.

    /usr/bin/python3 tests/rigs/rtsp_server.py --port 8554 --codec h264

It prints the address when it listens. Lines on stdin change it while it runs: "size 640x360" changes
the resolution in mid-stream, "loss 0.02" loses so many of all RTP packets, "pause" and "play" stop and
continue the pictures, "quit" ends it.
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc speed-preset=ultrafast threads=1 key-int-max={keyint} "
    "bitrate=300 {more} ! h264parse config-interval=1",
    "hevc": "x265enc speed-preset=ultrafast key-int-max={keyint} bitrate=300 "
    "option-string=pools=1:frame-threads=1 {more} ! h265parse config-interval=1",
}
PAYLOADERS = {"h264": "rtph264pay pt=96", "hevc": "rtph265pay pt=96"}
PICTURES = "videotestsrc is-live=true pattern=ball ! capsfilter name=size caps={caps} ! {encoder} "


def caps(size, rate):
    """Caps of I420 pictures; size: WIDTHxHEIGHT."""
    width, height = size.split("x")
    return f"video/x-raw,format=I420,width={width},height={height},framerate={rate}/1"


class Factory(GstRtspServer.RTSPMediaFactory):
    """Builds the pipeline; between the payloader and the network there is an element that loses packets."""

    def __init__(self, args):
        super().__init__()
        self._args = args

    def do_create_element(self, _url):
        args = self._args
        encoder = ENCODERS[args.codec].format(keyint=args.keyint, more=args.encoder)
        pictures = PICTURES.format(caps=caps(args.size, args.rate), encoder=encoder)
        payloader = Gst.parse_bin_from_description(
            PAYLOADERS[args.codec] + " ! identity name=network", True
        )
        payloader.set_name("pay0")
        everything = Gst.parse_bin_from_description(pictures + "! queue name=end", False)
        everything.add(payloader)
        everything.get_by_name("end").link(payloader)
        return everything


class Camera:
    """One RTSP server; all clients see the same stream, as with most cameras."""

    def __init__(self, args):
        self._args = args
        self._media = None
        factory = Factory(args)
        factory.set_shared(True)
        factory.connect("media-configure", self._configured)
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address(args.address)
        self._server.set_service(str(args.port))
        self._server.get_mount_points().add_factory("/live", factory)
        self._server.attach(None)

    def _configured(self, _factory, media):
        self._media = media

    def obey(self, line):
        """One line of stdin."""
        word, _, value = line.strip().partition(" ")
        element = None if self._media is None else self._media.get_element()
        if word == "size":
            new = Gst.Caps.from_string(caps(value, self._args.rate))
            element.get_by_name("size").set_property("caps", new)
        elif word == "loss":
            element.get_by_name("network").set_property("drop-probability", float(value))
        elif word in ("pause", "play"):
            element.set_state(Gst.State.PAUSED if word == "pause" else Gst.State.PLAYING)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    parser.add_argument("--size", default="340x256")
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--keyint", type=int, default=25)
    parser.add_argument(
        "--encoder", default="tune=zerolatency", help="properties of the encoder element"
    )
    args = parser.parse_args()
    Gst.init(None)
    loop = GLib.MainLoop()
    camera = Camera(args)

    def commands():
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            GLib.idle_add(camera.obey, line)
        GLib.idle_add(loop.quit)

    threading.Thread(target=commands, daemon=True).start()
    print(f"rtsp://{args.address}:{args.port}/live", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
