#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: MIT
# In the guest of image `weston`: weston on the virtio display with its software renderer, and a client that animates.
# $1 = seconds from GS-READY to GS-DONE; the desktop stays after that.
/bin/busybox --install -s /bin
mkdir -p /run/user /etc /dev/shm
chmod 700 /run/user
mount -t tmpfs tmpfs /dev/shm
export XDG_RUNTIME_DIR=/run/user LIBSEAT_BACKEND=builtin SEATD_VTBOUND=0 HOME=/run
cat > /run/weston.ini << INI
[core]
idle-time=0
require-input=false
xwayland=false
[shell]
locking=false
panel-position=none
background-type=solid
background-color=0xff305030
[input-method]
path=
INI
weston -c /run/weston.ini --backend=drm --renderer=pixman --drm-device=card0 --continue-without-input --socket=w --idle-time=0 --log=/run/weston.log > /run/weston.out 2>&1 &
pid=$!
n=0
while [ ! -S /run/user/w ]; do
    n=$((n + 1))
    if [ $n -gt 300 ] || ! kill -0 $pid 2> /dev/null; then
        tail -n 20 /run/weston.log /run/weston.out
        exit 1
    fi
    sleep 0.1
done
WAYLAND_DISPLAY=w weston-simple-shm > /run/client.out 2>&1 &
client=$!
sleep 1
mode=$(sed -n 's/.* \([0-9]*x[0-9]*\)@.*current.*/\1/p' /run/weston.log | head -n 1)
echo "GS-READY job=weston mode=$mode kernel=$GS_KERNEL boot=1"
sleep "$1"
kill -0 $client 2> /dev/null && kill -0 $pid 2> /dev/null && exit
tail -n 12 /run/client.out /run/weston.out /run/weston.log
exit 1
