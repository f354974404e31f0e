# Hard links whose names are deleted, written to and linked anew in upper layers. Every group shares 64 KiB.
FROM scratch
COPY busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-euc"]
RUN for group in data link written mode whole more untouched; do \
      mkdir -p /$group && dd if=/dev/zero bs=65536 count=1 2>/dev/null | tr '\0' x > /$group/a \
      && ln /$group/a /$group/b && ln /$group/a /$group/c; done
# The name that carries the data in the archive goes; the data is still there under the two others.
RUN rm /data/a
# A name that is only a link goes: nothing is won.
RUN rm /link/b
# A write through one name breaks the group: the engine copies the file up for this name alone.
RUN echo written >> /written/a
# So does a change of mode, through a name that is only a link.
RUN chmod u+s /mode/b
# All names go: now the data is hidden.
RUN rm -r /whole
# A new name for an old file: the layer ships the whole file again.
RUN ln /more/a /more/z
