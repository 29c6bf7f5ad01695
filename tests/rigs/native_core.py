"""The native core without the rest of the reader: packets in, pictures out, whatever the framing."""

from truth.digest import digest


class Read:
    """The core's output for a list of packets: every picture, and its digest (see digest.digest)."""

    def __init__(self, syntax, packets, nal_length_bytes, complete=True, sets=(), **options):
        from edge_attp.bitstream import binding, nal
        from edge_attp.bitstream.picture import Picture

        self._decoder = binding.Decoder(
            "packets", syntax.number, nal_length_bytes, options.pop("threads", 1), **options
        )
        self._syntax, self._make = syntax, Picture
        self.pictures, self.digests, self._order = [], [], {}
        if sets:
            self._decoder.send_parameter_sets(nal.join(list(sets), nal_length_bytes))
        for number, packet in enumerate(packets):
            self._decoder.send_packet(bytes(packet), number, number, complete)
            self._receive()
        self._decoder.drain()
        self._receive()
        self.info = self._decoder.stream_info()
        self._decoder.close()

    def _receive(self):
        from edge_attp.bitstream import binding

        address = self._decoder.receive_picture()
        while address is not None:
            picture = self._make(
                address, binding.picture_info(address), self._syntax, None, self._decoder
            )
            self._order[picture.decode_index] = picture.poc
            self.pictures.append(picture)
            self.digests.append(digest(picture, self._order))
            address = self._decoder.receive_picture()

    @property
    def damaged(self):
        """decode_index of the damaged pictures."""
        return [picture.decode_index for picture in self.pictures if picture.integrity != "ok"]
