// A whole run over many pictures, as the command line does it: inputs in, rows out, in input order.
#ifndef PREFIQS_JOB_H_
#define PREFIQS_JOB_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/detector.h>
#include <prefiqs/image.h>
#include <prefiqs/network.h>

namespace prefiqs {

enum class FaceSelection { kBest, kAll };
enum class RowFormat { kCsv, kJsonLines };

struct JobOptions {
  // Files, folders (recursive, sorted by bytes), "@list.txt" (one path a line), "-" (a list on standard input),
  // InsightFace verification sets (*.bin, rows named FILE#INDEX). Paths may be any bytes.
  std::vector<std::string> inputs;

  // What the faces are assessed with. Unset detector: every picture is an aligned crop.
  AssessorOptions assessor;
  FaceSelection faces = FaceSelection::kBest;
  ImageLimits limits;

  RowFormat format = RowFormat::kCsv;
  std::string output;                    // empty: standard output
  std::string embeddings;                // .npy of float32, one row a CSV row, NaN where there is none; empty: none
  std::string crops_folder;              // PNG of what the network saw; empty: none
  bool force = false;                    // an existing output may be overwritten
  bool resume = false;                   // continue an interrupted output
  int shard_index = 1, shard_count = 1;  // this run takes the inputs whose number is shard_index modulo shard_count

  // Called from one thread, at most a few times a second, and once at the end. Return false to stop after what is in
  // flight; what is finished is on disk then and `resume` goes on from there.
  std::function<bool(const struct JobProgress&)> on_progress;
};

struct JobProgress {
  std::int64_t done = 0;   // pictures finished, those skipped by resume included
  std::int64_t total = 0;  // pictures in this shard; 0 while not known
  std::int64_t skipped = 0;
  double seconds = 0;
};

struct JobSummary {
  std::int64_t pictures = 0;
  std::int64_t faces = 0;
  std::int64_t scored = 0;  // rows with kOk
  std::int64_t failed = 0;  // rows with any other status
  std::int64_t skipped = 0;
  bool interrupted = false;
};

// Throws Error for what concerns the whole run (inputs that do not exist, outputs that cannot be written or already
// exist); a bad picture is a row with its status.
PREFIQS_API JobSummary run_job(const Network& network, const JobOptions& options);

}  // namespace prefiqs

#endif  // PREFIQS_JOB_H_
