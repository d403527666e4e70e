// A whole run over many pictures, as the command line does it: inputs in, rows out, in input order.
#ifndef PREFIQS_JOB_H_
#define PREFIQS_JOB_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/detector.h>
#include <prefiqs/image.h>
#include <prefiqs/network.h>

namespace prefiqs {

enum class RowFormat { kCsv, kJsonLines };

struct JobOptions {
  // Files, folders (recursive, sorted by bytes), "@list.txt" (one path a line), "-" (a list on standard input),
  // InsightFace verification sets (rows named FILE#INDEX). Of a folder the files with a picture's suffix are taken; a
  // file that is named is what its content says. Paths may be any bytes.
  std::vector<std::string> inputs{};

  // What the faces are assessed with, and on how many threads (0: usable_processors()). Unset detector: every picture
  // is an aligned crop.
  AssessorOptions assessor{};
  FaceSelection faces = FaceSelection::kBest;  // unused for aligned crops
  // Pictures a thread takes at a time; 0: a number that suits the run. Never changes a result.
  int batch = 0;
  ImageLimits limits{};

  // 0 to 100: faces whose scalar is under it are marked and counted. Needs a network that is calibrated for the recipe.
  std::optional<int> gate{};

  bool rows = true;  // false: none are written, and output, embeddings and resume stay unused; for on_face
  RowFormat format = RowFormat::kCsv;
  std::string output{};      // empty: standard output
  std::string embeddings{};  // .npy of float32, one row a CSV row, NaN where there is none; empty: none
  // PNGs of what the network saw, named NUMBER-FACE-STEM.png: the picture's number in the inputs (from 1, before
  // sharding), the face's index, the file's name; empty: none.
  std::string crops_folder{};
  bool force = false;   // an existing output may be overwritten
  bool resume = false;  // continue an interrupted output
  // With `resume`: go on with files that this file system cannot lock, too. Two runs that write one file at the same
  // time are then not noticed, and rows are lost.
  bool without_lock = false;
  int shard_index = 1, shard_count = 1;  // this run takes the inputs whose number is shard_index modulo shard_count

  // Called for every row in its order, one at a time, from any of the run's threads: the picture's name, the face's
  // index
  // (-1 where there is none to speak of) and what was found.
  std::function<void(const std::string& path, int face, const Assessment&)> on_face{};
  // Called before the first picture is read, for each file of a folder that is not taken, with its kind (JobSummary::
  // skipped).
  std::function<void(std::string_view path, std::string_view kind)> on_skipped{};
  // Called from the thread that called run_job, at most once for each of these: the precision is slower than fp32 on
  // this processor; an output cannot be locked; a continued output mixes rows of several instruction sets or versions;
  // a continued output holds aligned crops that an earlier version did not check for alignment; a continued output is
  // of an older schema;
  // some pictures have no row among the given landmarks, or some landmarks are of no picture;
  // the first pictures, given as aligned crops, do not look like such; the first faces look as if preprocessing or
  // recipe did not fit the network. Says what, what follows from it, and what to do.
  std::function<void(const std::string& text)> on_warning{};
  // Called from the thread that called run_job, at most a few times a second, and once at the end. Return false to stop
  // after what is in flight; what is finished is on disk then and `resume` goes on from there.
  std::function<bool(const struct JobProgress&)> on_progress{};
};

struct JobProgress {
  std::int64_t done = 0;     // pictures finished, those skipped by resume included
  std::int64_t total = 0;    // pictures in this shard
  std::int64_t skipped = 0;  // finished by an earlier run
  double seconds = 0;
  // Until the end, judged by how long each stage takes and how many pictures have to pass it; NaN where nothing is
  // known.
  double seconds_left = std::numeric_limits<double>::quiet_NaN();
};

// What the whole output holds at the end: with `resume`, also what an earlier run wrote and this one kept, so that a
// resumed run ends with the summary of an uninterrupted one.
struct JobSummary {
  std::int64_t pictures = 0;
  std::int64_t faces = 0;
  std::int64_t scored = 0;      // rows with kOk
  std::int64_t failed = 0;      // rows with any other status
  std::int64_t under_gate = 0;  // of those scored
  std::int64_t earlier = 0;     // pictures, of those above, that an earlier run wrote
  std::int64_t foreign = 0;  // rows, of those above, of pictures that are not among this run's: of another shard, say
  bool interrupted = false;
  std::int64_t several_faces = 0;  // pictures with more than one face
  std::int64_t bystanders = 0;     // faces that were found beside the one that was chosen; 0 where all are assessed
  std::int64_t refused = 0;        // rows of crops that the guard refused (kNotAFace, kNotAligned)
  // Of the folders among the inputs, also those of other shards: what was not taken, and how often. The kind is a
  // suffix in lower case (".heic"), "no suffix", "hidden" (the name begins with a dot) or "no regular file".
  std::map<std::string, std::int64_t> skipped{};
  std::optional<Calibration> calibration{};  // what the scalars are of; empty where there are none
};

// Rows hold report/row.h's columns; a picture without a face has one row. Decoding, detection, alignment and inference
// of different pictures run side by side on assessor.threads threads, the calling one included.
//
// Throws Error for what concerns the whole run (inputs that do not exist, outputs that cannot be written or already
// exist, a resume with another network, recipe or calibration, or without a lock; kReaderGone for an output that is a
// pipe and is read no more); a bad picture is a row with its status. What was written before an Error is valid and can
// be resumed.
PREFIQS_API JobSummary run_job(const Network& network, const JobOptions& options);

// One table of run_passes(): what one network says of all pictures.
struct NetworkPass {
  Network network;
  Method method = Method::kDrift;
  // As in AssessorOptions.
  std::optional<Recipe> recipe{};
  bool mirror = false;
  bool guarded = true;  // false: no guard looks
  // As in JobOptions; rows are wanted. Where the file exists, it is continued.
  std::string output{}, embeddings{};
};

// What is ahead of run_passes().
struct PassesPlan {
  std::int64_t pictures = 0;          // in the inputs
  std::vector<std::int64_t> to_do{};  // of each pass: pictures without a row
  std::int64_t to_look_at = 0;        // pictures that some pass has to do
  std::int64_t kept = 0;              // of these: pictures whose crops are kept, and need no look if nothing changed
  std::int64_t crop_bytes = 0;        // what the crops of another picture take that are kept; 0: none are
};

// Several networks and methods over the same pictures: each picture is read, searched and aligned once for all of them.
struct PassesOptions {
  // What is the same for all passes: inputs, detector, choice of faces, guard, threads, precision, batch, limits, and
  // what is called. Method, recipe, mirror and outputs are the passes'; gate, crops_folder, force, resume, on_face and
  // shards are not used.
  JobOptions job{};
  std::vector<NetworkPass> passes{};
  // A folder that holds kept crops, or will; empty: none. What is there is used in place of a look at the picture, as
  // long as the picture's file has the same size and time of modification, and the crops were made with the same
  // detector, choice of faces and software; else that is said. One file for each shape of crops, FOLDER/crops-112x112-
  // insightface.bin; docs/evaluation.md says what is in it.
  std::string crops{};
  bool keep_crops = false;  // also keeps the crops that are made
  // Called once from the calling thread, when all networks are loaded and all files open, before the first picture.
  std::function<void(const PassesPlan&)> on_plan{};
};

struct PassesSummary {
  std::vector<JobSummary> tables{};  // of each pass
  bool interrupted = false;
  std::map<std::string, std::int64_t> skipped{};  // as in JobSummary
  // How often pictures were read, searched for faces, and crops were made of them.
  std::int64_t read = 0, searched = 0, cut = 0;
  // Kept looks that were used, that were not because the picture's file is another one, and that were damaged.
  std::int64_t crops_used = 0, crops_changed = 0, crops_damaged = 0;
  // Processor time that was spent: on looks at pictures, and by each pass.
  double look_seconds = 0;
  std::vector<double> pass_seconds{};
};

// Rows and embeddings are the same bytes as those of a run_job() for each pass, whatever the number of passes, threads
// and the batch. Memory does not grow with the number of pictures, but for their names. Throws Error as run_job does,
// and Error(kUsage) where a table holds rows of other pictures.
PREFIQS_API PassesSummary run_passes(const PassesOptions& options);

// Many recipes over the same pictures: every picture is decoded, searched and aligned once and seen by the whole
// network once; then one pruned network after the other sees the crops.
struct SweepOptions {
  // Which pictures and faces, on how many threads; on_progress, for each stage. One face of each picture is
  // taken, the best for kAll; there are no shards; recipe, method, mirror, outputs, gate and resume are the sweep's
  // own.
  JobOptions job{};
  std::vector<Recipe> recipes{};
  // Keeps everything: whole.csv, whole.npy and crops/ of the whole network, and NAME.csv and NAME.npy for each recipe's
  // name. What is there already is not done again, row by row.
  std::string folder{};
  // True: for each recipe the drift to first order too (Method::kJvp), in NAME-jvp.csv.
  bool jvp = false;
  std::function<void(const std::string& text)> on_stage{};  // before each, what comes
};

// Of one recipe. Row i of its files belongs to row i of whole.csv; quality, drift and pruned_norm are as run_job gives
// them, but the embedding is the pruned network's, and embedding_norm its norm.
struct SweepRun {
  Recipe recipe{};
  std::string rows, embeddings;  // files
  double achieved_sparsity = 0;
  double mean_drift = 0;  // over scored faces; NaN without any
  // Where asked for: the rows of Method::kJvp, and drift and sensitivity of the faces that have both, in order, with
  // the correlations of the two (NaN where there are too few, or all alike).
  std::string jvp_rows{};
  std::vector<double> drifts{}, sensitivities{};
  double correlation = 0, rank_correlation = 0;
};

struct SweepResult {
  std::string rows, embeddings;  // files of the whole network
  std::vector<SweepRun> runs;    // in the order of the recipes; those that are finished
  bool interrupted = false;
};

// Throws Error as run_job does, and Error(kUsage) where the folder holds rows of other pictures, or two recipes are the
// same.
PREFIQS_API SweepResult run_sweep(const Network& network, const SweepOptions& options);

// What faces of which nothing is known say of a recipe.
struct RecipeCandidate {
  Recipe recipe{};
  double mean_drift = 0;  // over those faces, in [0, 2]
  // Of the recipe whose depth was asked and of its deeper copies (from 0.5, 0.8, 0.9), else 0. Of the faces and their
  // mirror images that were made worse: the share that drifts more than before, in [0, 1].
  double tells_worse = 0;
  double sure = 0;  // of a deeper copy: share of resamples of the faces in which it has more of that than from 0
};

struct RecipeChoice {
  Recipe recipe{};
  double mean_drift = 0;  // its candidate's
  std::int64_t faces = 0;
  double stands = 0;  // mean drift up to which the paper's recipe is kept
  // The paper's recipe first, alone where it is kept; then the three of the layer scope, then deeper copies of one.
  std::vector<RecipeCandidate> candidates{};
};

// The paper's recipe where the network stands it: where its mean drift over up to 256 of the inputs' faces, spread
// evenly, is no larger than `stands`. Else that of the layer scope at 0.1, 0.2 or 0.3 whose mean drift is nearest to
// 0.15, of equals the first; from 0.5, 0.8 or 0.9 of the layers on where that tells faces that were made worse from
// what they were more often than from 0 does, in 95 % or more of 100 resamples of the faces: of several the one that
// does so most often, of equals the first. Why: docs/choosing.md. Two passes a face where the paper's is kept, else
// some 25. Of `options`, inputs, limits, faces (the best for kAll) and the assessor's detector, min_face, max_faces,
// search, turn, search, turn, guard, guard_under, guarded, threads and executor are used; what the guard refuses is
// none of the faces. Throws Error as run_job does, and Error(kUsage) for fewer faces than Calibration::of takes.
PREFIQS_API RecipeChoice choose_recipe(const Network& network, const JobOptions& options);

}  // namespace prefiqs

#endif  // PREFIQS_JOB_H_
