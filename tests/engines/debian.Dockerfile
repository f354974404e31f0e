# A small root from real Debian packages, then what people do to it.
FROM scratch
COPY root/ /
# The real installer in a layer of its own: it renames folders and files, rewrites its database, leaves caches.
COPY archives/ /var/cache/apt/archives/
RUN dpkg --force-all --install /var/cache/apt/archives/*.deb
# Cleaning up one layer too late, as it is often seen.
RUN busybox rm -rf /var/cache/apt/archives/*.deb /usr/share/doc /usr/share/locale /var/lib/dpkg/*-old
# A change of owner that ships everything again.
RUN busybox chown -R 1000:1000 /usr/share/base-files /usr/bin
CMD ["/bin/dash"]
