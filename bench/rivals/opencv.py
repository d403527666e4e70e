"""Two passes in OpenCV's DNN module, its own CPU backend. How it is spoken to: serve.py."""
import sys

import cv2

import serve


def main():
    job = serve.Job(sys.argv[1:])
    if job.form != "fp32":
        sys.exit(f"{job.form}: fp32 alone")
    cv2.setNumThreads(job.threads)
    networks = []
    for path in (job.dense, job.pruned):
        network = cv2.dnn.readNetFromONNX(path)
        network.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        network.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
        networks.append(network)

    def once():
        embeddings = []
        for network in networks:
            network.setInput(job.input)
            embeddings.append(network.forward())
        return embeddings

    serve.serve("OpenCV DNN", cv2.__version__, job, once)


if __name__ == "__main__":
    main()
