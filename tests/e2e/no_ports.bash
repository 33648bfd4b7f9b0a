# no_ports.bash DODAM WORK: run by deploy_faults.sh in a network namespace of its own. It is left with fifty ports to dial
# from, and every one is taken: the edge says what is missing; given back, it serves again.
dodam=$1 state=$2/ports
"$dodam" up --state "$state" -f "$2/dodam.json" --runtime process --speed 20 --aws-port 21000 --http-port 21001 --https-port 21002 --detach >"$2/ports.log" 2>&1 ||
    { cat "$2/ports.log"; exit 1; }
trap '"$dodam" down --state "$state" >/dev/null' EXIT
ask() { curl -s -o "$2/answer" -w '%{http_code}' --max-time 20 --local-port 30000-30999 -H 'Host: dsite.cloudfront.net' "http://127.0.0.1:21001$1"; }
# No request before: the edge would have a connection that it kept.
steady() { [ "$("$dodam" status --state "$state" --json | jq -r .services.web.steady)" = true ]; }
for turn in $(seq 100); do steady && break; sleep 0.1; done
steady || { "$dodam" status --state "$state"; exit 1; }
# Ports that nothing has used yet: what has just been used waits for late segments, and cannot be taken.
echo 62000 62050 >/proc/sys/net/ipv4/ip_local_port_range

python3 - "$2" <<'PY' &
import errno, os, socket, sys, time
held = []
def fill():
    for port in range(62000, 62051):
        try:
            one = socket.socket()
            one.bind(('0.0.0.0', port))
            held.append(one)
        except OSError: pass
def is_full():
    with socket.socket() as one: return one.connect_ex(('127.9.9.9', 9)) == errno.EADDRNOTAVAIL
until = time.time() + 90
while not os.path.exists(sys.argv[1] + '/release') and time.time() < until:
    fill()
    if is_full(): open(sys.argv[1] + '/full', 'w').close()
    time.sleep(0.1)
PY
holder=$!
for turn in $(seq 300); do [ -e "$2/full" ] && break; sleep 0.1; done
[ -e "$2/full" ] || { echo "the ports were not to be had"; touch "$2/release"; exit 1; }
status=$(ask /health "$2")
touch "$2/release"
wait "$holder"
echo "with no port: $status $(tr -d '\n' <"$2/answer" | head -c 300)"
"$dodam" trace --state "$state" -n 5
case $status in 5*) ;; *) echo "expected a 5xx"; exit 1 ;; esac
"$dodam" trace --state "$state" -n 1 --json | grep -q "no free local port" || { "$dodam" trace --state "$state" -n 1 --json; echo "the trace does not say what is missing"; exit 1; }
[ "$(ask /health "$2")" = 200 ] || { echo "no recovery"; exit 1; }
