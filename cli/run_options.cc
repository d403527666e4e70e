#include "cli/run_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"
#include "cli/interrupt.h"
#include "cli/limit_options.h"
#include "cli/messages.h"
#include "cli/network_options.h"
#include "cli/progress.h"

namespace prefiqs::cli {
namespace {

// The value of a table of the library that `text` names.
template <typename Info, typename Value>
Value Named(std::string_view option, const std::string& text, std::span<const Info> table, Value Info::*value) {
  std::vector<Choice<Value>> choices;
  for (const Info& one : table) choices.push_back({one.name, one.*value});
  return Choose(option, text, choices);
}

// "Intro: name (text); name (text) ".
template <typename Info>
std::string Described(std::string text, std::span<const Info> table) {
  for (const Info& one : table) text += fmt::format(" {} ({});", one.name, one.text);
  text.back() = ' ';
  return text;
}

FaceSelection ParseFaces(const std::string& text) {
  return Named("--faces", text, face_selections(), &FaceSelectionInfo::selection);
}

// What a run left aside, in words; empty where there is nothing.
std::string OthersFound(const JobSummary& summary) {
  std::string text;
  const auto add = [&](std::int64_t count, std::string_view one, std::string_view what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Count(count, one), what);
  };
  add(summary.several_faces, "picture", "with several faces");
  add(summary.bystanders, "face", "not chosen (--faces)");
  add(summary.refused, "crop", "refused by the guard");
  return text;
}

constexpr std::size_t kKindsNamed = 8;

// What folders hold and the run did not take, the most frequent kinds first; empty where there is nothing.
std::string Skipped(const JobSummary& summary) {
  std::vector<std::pair<std::int64_t, std::string>> kinds;
  std::int64_t total = 0, named = 0;
  for (const auto& [kind, count] : summary.skipped) {
    kinds.emplace_back(-count, kind);
    total += count;
  }
  if (total == 0) return {};
  std::sort(kinds.begin(), kinds.end());
  std::string text = fmt::format("{} of folders skipped:", Count(total, "file"));
  for (std::size_t i = 0; i < std::min(kinds.size(), kKindsNamed); ++i) {
    named -= kinds[i].first;
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", -kinds[i].first, Escaped(kinds[i].second));
  }
  if (named < total) text += fmt::format(", {}", Count(total - named, "other"));
  return text;
}

std::string Summary(const JobSummary& summary, double seconds) {
  std::string text = fmt::format("{}, {}: {} scored, {} not", Count(summary.pictures, "picture"),
                                 Count(summary.faces, "face"), summary.scored, summary.failed);
  if (summary.earlier > 0)
    text += fmt::format("; {} done before", Count(summary.earlier, "of the pictures was", "of the pictures were"));
  text += fmt::format("; {:.1f} s", seconds);
  const auto here = static_cast<double>(summary.pictures - summary.earlier);
  if (here > 0 && seconds > 0) text += fmt::format(", {:.1f} pictures a second", here / seconds);
  return text;
}

constexpr int kExitFailures = 1;
constexpr int kExitUnderGate = 5;

// After an interruption.
const char* HowToGoOn(const JobOptions& job) {
  if (!job.rows) return "nothing was written: the same command starts anew";
  if (job.output.empty()) return "with --output FILE it could be resumed";
  return "the same command with --resume (and without --force) goes on from there";
}

constexpr const char* kInputs =
    "Any number of pictures (JPEG, PNG, WebP, JPEG 2000, PNM), folders (recursive, sorted), verification sets (.bin), "
    "@FILE with a path a line, or - for such a list on standard input. What is named here must exist; what is missing "
    "in a "
    "list is a row that says so";

}  // namespace

void AddFaceOptions(CLI::App& app, RunArguments& arguments) {
  const char* const faces = "Faces";
  app.add_flag("--aligned", arguments.aligned, "Pictures are aligned crops: no detection")->group(faces);
  app.add_option(
         "--detector", arguments.detector,
         "Detector network, an ONNX file: YuNet, SCRFD or RetinaFace [default: the one that comes with prefiqs]")
      ->type_name("FILE|default")
      ->group(faces);
  app.add_option("--landmarks", arguments.landmarks,
                 "Five points a face that came with the pictures, in place of a detector: IJB's name_5pts_score.txt, "
                 "CelebA's list, a table with path and the columns left_eye_x to right_mouth_y, or the folder of CFP's "
                 "fiducials. A picture without a row gets the status no_face")
      ->type_name("FILE")
      ->group(faces);
  app.add_option(
         "--guard", arguments.guard,
         "Detector that looks once more at what may be no face, aligned crops and detections of little "
         "confidence: status not_a_face where it sees none, and not_aligned where the face of an aligned crop is "
         "not where alignment puts it [default: with --aligned the one that comes with prefiqs, else "
         "--detector's; of embed and with --landmarks none]")
      ->type_name("FILE|default|none")
      ->group(faces);
  app.add_option("--faces", arguments.faces,
                 Described("Which faces of a picture are assessed:", face_selections()) + "[best]")
      ->type_name("WHICH")
      ->group(faces);
  app.add_option(
         "--search", arguments.search,
         Described("How finely pictures are searched for faces:", searches()) +
             "[normal]. Normal finds 95 % of the faces whose longer side is 1/17 of the picture's longer side "
             "or more, 353 pixels of 6000, with the default detector; with YuNet 2023mar or SCRFD 2.5g 1/33, 182 "
             "pixels of 6000. Fine finds as many of the faces of 40 pixels in pictures of up to 100 megapixels. "
             "Its time grows with the picture: 24 megapixels take 136 passes of the detector in place of two")
      ->type_name("HOW")
      ->group(faces);
  app.add_flag(
         "--turn", arguments.job.assessor.turn,
         "Where no face is surely upright, looks at the picture turned by 90, 180 and 270 degrees, too, and takes "
         "the surest: for pictures that lie on a side without saying so in Exif. The column turn says how far a "
         "picture has to be turned, clockwise")
      ->group(faces);
  app.add_option("--max-faces", arguments.job.assessor.max_faces,
                 "A picture in which more faces are found, of any size, gets the status too_many_faces and no score "
                 "[any number]")
      ->type_name("N")
      ->check(AboveZero<int>())
      ->group(faces);
  app.add_option("--min-face", arguments.job.assessor.min_face,
                 "Smaller faces, in pixels on the longer side, get no score [24]. In large pictures only --search fine "
                 "finds such small ones in the first place")
      ->type_name("PIXELS")
      ->check(FromZero<float>())
      ->group(faces);
  AddMaxPixelsOption(app, arguments.job.limits)->group(faces);
}

void AddOutputOptions(CLI::App& app, RunArguments& arguments) {
  JobOptions& job = arguments.job;
  const char* const output = "Output";
  app.add_option("--output", job.output, "Rows go there [standard output]")->type_name("FILE")->group(output);
  app.add_option("--format", arguments.format, "csv, or jsonl: a JSON object a line [csv]")
      ->type_name("F")
      ->group(output);
  app.add_option("--embeddings", job.embeddings, "Unnormalised embeddings as float32, a row for each row of the output")
      ->type_name("FILE.npy")
      ->group(output);
  app.add_option("--save-crops", job.crops_folder, "Keeps what the network saw, as PNG")
      ->type_name("DIR")
      ->group(output);
  app.add_flag("--force", job.force, "Overwrites what is there")->group(output);
  app.add_flag("--resume", job.resume, "Goes on where an interrupted run stopped")->group(output);
  AddLockOption(app, job, output);
  app.add_option("--shard", arguments.shard, "Takes every N-th input, the I-th first: for N machines")
      ->type_name("I/N")
      ->group(output);
  AddFailureOption(app, arguments.allow_failures, "pictures failed or had no face; their rows say so all the same");
}

void AddLockOption(CLI::App& app, JobOptions& job, const std::string& group) {
  app.add_flag("--without-lock", job.without_lock,
               "Goes on with files that cannot be locked, as on some network file systems: make sure that no other run "
               "writes them, or rows are lost")
      ->group(group);
}

void AddFailureOption(CLI::App& app, bool& allow_failures, const char* failures) {
  app.add_flag("--allow-failures", allow_failures, fmt::format("Exit status 0 in place of 1 where {}", failures));
}

void AddExecutionOptions(CLI::App& app, RunArguments& arguments) {
  JobOptions& job = arguments.job;
  const char* const speed = "Execution";
  AddThreadsOption(app, job.assessor.threads)->group(speed);
  app.add_option("--batch", job.batch, "Pictures a thread takes at a time; results do not depend on it")
      ->type_name("N")
      ->check(AboveZero<int>())
      ->group(speed);
  app.add_option("--precision", arguments.precision,
                 "How products are formed: fp32, or bf16 (several times as fast with AMX; drifts move by about 0.001) "
                 "[fp32]")
      ->type_name("P")
      ->group(speed);
  app.add_option("--executor", arguments.executor, "onednn, or reference: slow, for checking [onednn]")
      ->type_name("E")
      ->group(speed);
}

void AddGateOptions(CLI::App& app, RunArguments& arguments) {
  const char* const gate = "Gate";
  app.add_option("--gate", arguments.job.gate, "Marks and counts faces whose scalar is under this, of 0 to 100")
      ->type_name("SCALAR")
      ->check(CLI::Range(0, 100))
      ->group(gate);
  app.add_flag("--fail-under-gate", arguments.fail_under_gate, "Ends with status 5 if there are any")->group(gate);
}

void AddSkippedOption(CLI::App& app, RunArguments& arguments) {
  app.add_flag("--list-skipped", arguments.list_skipped,
               "Names each file of a folder that is not taken, on standard error, a line each")
      ->group("Output");
}

bool ParseRun(CLI::App& app, const Words& words, RunArguments& arguments) {
  return ParseWithInputs(app, words, kInputs, arguments.job.inputs);
}

void RefuseAllFaces(const RunArguments& arguments) {
  if (ParseFaces(arguments.faces) == FaceSelection::kAll) {
    throw Error(ErrorCode::kUsage, "--faces all: one face of each picture is compared; name another choice");
  }
}

Detector LoadDetector(const std::string& path) {
  return Detector::load(path.empty() || path == "default" ? default_detector() : path);
}

std::optional<Detector> LoadGuard(const std::string& path, const std::optional<Detector>& detector) {
  if (path == "none") return std::nullopt;
  return path.empty() && detector ? detector : LoadDetector(path);
}

namespace {

void CheckLandmarks(const RunArguments& arguments) {
  const char* const other = arguments.aligned              ? "--aligned"
                            : !arguments.detector.empty()  ? "--detector"
                            : arguments.search != "normal" ? "--search"
                            : arguments.job.assessor.turn  ? "--turn"
                                                           : nullptr;
  if (other == nullptr) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("--landmarks and {} exclude each other: pictures are not searched for faces", other));
}

}  // namespace

JobOptions MakeJob(const RunArguments& arguments) {
  JobOptions job = arguments.job;
  if (arguments.fail_under_gate && !job.gate) throw Error(ErrorCode::kUsage, "--fail-under-gate needs --gate SCALAR");
  job.assessor.precision =
      Choose<Precision>("--precision", arguments.precision, {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
  job.format =
      Choose<RowFormat>("--format", arguments.format, {{"csv", RowFormat::kCsv}, {"jsonl", RowFormat::kJsonLines}});
  job.faces = ParseFaces(arguments.faces);
  job.assessor.search = Named("--search", arguments.search, searches(), &SearchInfo::search);
  job.assessor.executor = Choose<ExecutorKind>(
      "--executor", arguments.executor, {{"onednn", ExecutorKind::kOneDnn}, {"reference", ExecutorKind::kReference}});
  if (!arguments.shard.empty()) std::tie(job.shard_index, job.shard_count) = ParseShard(arguments.shard);
  if (job.output == "-") job.output.clear();
  if (arguments.list_skipped) {
    job.on_skipped = [](std::string_view path, std::string_view kind) {
      Say(fmt::format("prefiqs: skipped ({}): {}\n", Escaped(kind), Escaped(path)));
    };
  }
  if (job.resume && job.output.empty()) {
    throw Error(ErrorCode::kUsage, "--resume needs --output FILE: standard output cannot be continued");
  }
  if (job.resume && job.force) throw Error(ErrorCode::kUsage, "--resume and --force exclude each other");
  if (arguments.aligned && !arguments.detector.empty()) {
    throw Error(ErrorCode::kUsage, "--aligned and --detector exclude each other: crops are not searched for faces");
  }
  if (arguments.aligned && (job.assessor.search != Search::kNormal || job.assessor.turn)) {
    throw Error(ErrorCode::kUsage, fmt::format("--aligned and {} exclude each other: crops are not searched for faces",
                                               job.assessor.turn ? "--turn" : "--search"));
  }
  if (!arguments.landmarks.empty()) {
    CheckLandmarks(arguments);
    job.assessor.landmarks = GivenLandmarks::load(arguments.landmarks);
    Say(fmt::format("prefiqs: {}: {}, read as {}\n", Escaped(arguments.landmarks),
                    Count(job.assessor.landmarks->faces(), "face"), job.assessor.landmarks->form()));
  } else if (!arguments.aligned) {
    job.assessor.detector = LoadDetector(arguments.detector);
  }
  // Points that are given stand: no detector runs unless it is asked for.
  const std::string guard = arguments.guard.empty() && job.assessor.landmarks ? "none" : arguments.guard;
  job.assessor.guarded = guard != "none";
  job.assessor.guard = LoadGuard(guard, job.assessor.detector);
  return job;
}

void ShowProgress(JobOptions& job, ProgressLine& line, std::function<void(const JobProgress&)> seen) {
  job.on_progress = [&line, seen = std::move(seen)](const JobProgress& progress) {
    seen(progress);
    line.Show(progress);
    return Interrupted() == 0;
  };
  job.on_warning = [&line](const std::string& text) {
    line.Clear();
    Say(fmt::format("prefiqs: warning: {}\n", text));
  };
}

int RunJob(const Network& network, JobOptions job, const StatusRules& rules) {
  const InterruptGuard interrupts;
  ProgressLine line;
  JobProgress last;
  ShowProgress(job, line, [&last](const JobProgress& progress) { last = progress; });
  const JobSummary summary = run_job(network, job);
  line.Clear();
  Say(fmt::format("prefiqs: {}\n", Summary(summary, last.seconds)));
  if (summary.foreign > 0) {
    Say(fmt::format(
        "prefiqs: {}: {} not among this run's (of another --shard, or of other inputs); {} counted\n", job.output,
        Count(summary.foreign, "of the rows is of a picture that is", "of the rows are of pictures that are"),
        WordFor(summary.foreign, "it stays and is", "they stay and are")));
  }
  if (const std::string others = OthersFound(summary); !others.empty()) Say(fmt::format("prefiqs: {}\n", others));
  if (const std::string skipped = Skipped(summary); !skipped.empty()) {
    Say(fmt::format("prefiqs: {}{}\n", skipped, job.on_skipped ? "" : "; --list-skipped names them"));
  }
  // Calibrating has rows of its own making, of which these scalars say nothing.
  if (job.rows && summary.calibration) Say(fmt::format("prefiqs: scalars by {}\n", Describe(summary.calibration)));
  if (job.gate) Say(fmt::format("prefiqs: {} under the gate of {}\n", Count(summary.under_gate, "face"), *job.gate));
  if (summary.interrupted) {
    Say(fmt::format("prefiqs: interrupted after {} of {}; {}\n", last.done, Count(last.total, "picture"),
                    HowToGoOn(job)));
    return InterruptedStatus();
  }
  if (rules.fail_under_gate && summary.under_gate > 0) return kExitUnderGate;
  return summary.failed > 0 && !rules.allow_failures ? kExitFailures : 0;
}

}  // namespace prefiqs::cli
