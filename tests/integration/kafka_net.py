"""What the tests with Kafka share: a real broker (KRaft, one process) on loopback, fetched by Maven into the
build folder, and kcat to read what is in its topics.

A broker has two listeners: one that takes anybody (who is then a super user), and one that wants a user
and a password.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", REPOSITORY / "build" / "asan"))
LIBS = BUILD / "kafka-libs"
POM = REPOSITORY / "tests" / "kafka" / "pom.xml"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
USER, PASSWORD = "sensor", "swordfish"
PATIENCE_S = 60

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
required user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
log.dirs={data}
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
"""
LOG4J = """\
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
"""


class Failure(Exception):
    pass


def why_not():
    """Why there is no Kafka here; None if there is one, which is fetched now if it was not before."""
    for program in ("java", "mvn", "kcat"):
        if not shutil.which(program):
            return f"there is no {program}"
    if list(LIBS.glob("kafka_2.13-*.jar")):
        return None
    fetched = LIBS.with_name("kafka-libs.new")
    shutil.rmtree(fetched, ignore_errors=True)
    maven = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), COPY, f"-DoutputDirectory={fetched}", "-DincludeScope=runtime"],
        capture_output=True, text=True, check=False, timeout=300)
    if maven.returncode != 0:
        return f"Maven cannot fetch Kafka: {(maven.stdout + maven.stderr).strip()[-400:]}"
    fetched.rename(LIBS)
    return None


def free_ports(count):
    """Ports below those that connections are given, so that none of those takes one before the broker does."""
    found = []
    with contextlib.ExitStack() as held:
        port = 20000 + os.getpid() % 10000
        while len(found) < count:
            port += 1
            taken = held.enter_context(socket.socket())
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found


def java(*words, heap="512m"):
    return ["java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            "-cp", f"{LIBS}/*", *words]


class Broker:
    """A Kafka with a data folder of its own, which it keeps when it is killed and started again."""

    def __init__(self, folder, *extra):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = None
        plain, sasl, controller = free_ports(3)
        self.address, self.sasl_address = f"127.0.0.1:{plain}", f"127.0.0.1:{sasl}"
        self.properties = self.folder / "server.properties"
        self.base = PROPERTIES.format(plain=plain, sasl=sasl, controller=controller, user=USER,
                                      password=PASSWORD, data=self.folder / "data")
        self.configure(*extra)
        (self.folder / "log4j.properties").write_text(LOG4J)
        self.log = self.folder / "broker.log"
        formatted = subprocess.run(
            java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self.properties),
                 "--ignore-formatted"), capture_output=True, text=True, check=False, timeout=60)
        if formatted.returncode != 0:
            raise Failure(f"Kafka's folder cannot be made: {formatted.stdout}{formatted.stderr}")

    def configure(self, *extra):
        """From its next start on."""
        self.properties.write_text(self.base + "".join(f"{line}\n" for line in extra))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self, wait=True):
        log = open(self.log, "a")
        self.process = subprocess.Popen(
            java(f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", "kafka.Kafka",
                 str(self.properties)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        if wait:
            self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            seen = subprocess.run(["kcat", "-b", self.address, "-L", "-m", "2"], capture_output=True,
                                  text=True, check=False)
            if seen.returncode == 0 and " 1 brokers" in seen.stdout:
                return
            time.sleep(0.1)
        raise Failure(f"Kafka does not start: {self.log.read_text(errors='replace')[-1500:]}")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a power cut would, for the process."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def acl(self, *words):
        done = subprocess.run(java("kafka.admin.AclCommand", "--bootstrap-server", self.address, *words),
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Failure(f"the ACL is not taken: {done.stdout}{done.stderr}")


def read_topic(broker, topic):
    """Everything in the topic: (partition, offset, key, headers, value) each, as kcat shows it; none where
    there is no topic."""
    separator, end = "\x1f", "\x1e"
    shown = separator.join(("%p", "%o", "%k", "%h", "%s")) + end
    got = subprocess.run(
        ["kcat", "-b", broker.address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", shown],
        capture_output=True, check=False, timeout=PATIENCE_S)
    text = got.stdout.decode()
    records = []
    for record in text.split(end)[:-1]:
        partition, offset, key, headers, value = record.split(separator)
        records.append((int(partition), int(offset), key,
                        dict(pair.split("=", 1) for pair in headers.split(",") if pair), value))
    return records
