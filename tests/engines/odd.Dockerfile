# Every odd thing an engine lets into an image, each in a few bytes.
FROM scratch
COPY busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-euc"]

# Names, owners, times, capabilities and links that a shell cannot make: written by odd.rs.
ADD odd.tar /

# The same layer twice: this one comes again below.
COPY same /same

# Links, set-id and sticky bits, a FIFO, device nodes, a hole of 4 MiB, a time in 1901, names with control characters
# and latin-1.
RUN mkdir -p /odd/links /odd/nodes /odd/names /odd/bits \
 && echo target > /odd/links/target && ln /odd/links/target /odd/links/hard && ln -s target /odd/links/soft \
 && ln -s loop /odd/links/loop && ln -s ../../../../.. /odd/links/out && ln -s /nowhere /odd/links/dangling \
 && mkfifo /odd/nodes/fifo && mknod /odd/nodes/null c 1 3 && mknod /odd/nodes/loop7 b 7 0 \
 && truncate -s 4194304 /odd/sparse && touch -d @-2147483648 /odd/old \
 && for name in 'new\nline' 'tab\there' 'esc\033[2J' 'lat\351n' '\342\200\256rtl' ' lead' 'trail ' '-dash' '*' 'back\\slash' 'quote"'; do \
      printf '%s' "$name" > "/odd/names/$(printf "$name")"; done \
 && for mode in 4755 2755 1777 0000 6711; do echo $mode > /odd/bits/$mode; chmod $mode /odd/bits/$mode; done \
 && mkdir /odd/bits/sticky && chmod 1777 /odd/bits/sticky

# A folder that moves, one that goes with all its files, one that is made anew over the old: an opaque marker.
RUN mv /base/moves /base/moved \
 && rm -rf /base/many \
 && rm -rf /base/opaque && mkdir /base/opaque && echo new > /base/opaque/new && echo again > /base/opaque/both \
 && rm /base/plain/gone

# Content that comes again although nothing about it changed, and metadata that changes alone.
RUN cat /base/plain/rewritten > /tmp/copy && cat /tmp/copy > /base/plain/rewritten && rm /tmp/copy \
 && touch -d @1700000000 /base/plain/touched \
 && chmod 0600 /base/plain/chmodded \
 && chown 1000:1000 /base/plain/chowned \
 && echo more >> /base/plain/grown

# A file becomes a folder, a folder becomes a link, a link becomes a file.
RUN rm /base/turns/file && mkdir /base/turns/file && echo inside > /base/turns/file/inside \
 && rm -r /base/turns/folder && ln -s file /base/turns/folder \
 && rm /base/turns/link && echo file > /base/turns/link
# And again, the other way round.
RUN rm -r /base/turns/file && ln -s link /base/turns/file \
 && rm /base/turns/folder && mkdir /base/turns/folder && echo back > /base/turns/folder/back \
 && rm /base/turns/link && mkdir /base/turns/link

# Created and deleted within one layer leaves nothing; an empty command leaves nothing either.
RUN echo passing > /odd/passing && rm /odd/passing
RUN true
ENV LAYERSCOPE=odd
COPY same /same
# What was deleted comes back in a later layer.
RUN mkdir /base/many && echo returned > /base/many/1
USER 1000:1000
CMD ["/bin/busybox", "true"]
