// Limits of ECS, AWS's own unless marked.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace ecs {

inline constexpr size_t kMaxEvents = 100;
inline constexpr size_t kMaxDeploymentHistory = 100;   // ours: AWS keeps 90 days
inline constexpr size_t kMaxStoppedTasks = 1000;       // ours
inline constexpr base::seconds kStoppedTaskAge{3600};  // "at least one hour"
inline constexpr base::seconds kSettleTime{40};  // RUNNING without any health check to look at
inline constexpr base::seconds kSteadyStateEvery{6 * 3600};
inline constexpr size_t kMaxDesiredCount = 5000;
inline constexpr size_t kLastOutputLines = 40;  // ours: kept on the task
inline constexpr size_t kLastOutputLineBytes = 1024;
inline constexpr size_t kProbesKept = 5;
inline constexpr size_t kFailuresShown = 10;  // ours: of a service, in status
inline constexpr size_t kDeploymentsReported =
    20;  // ours: of a service, with the requests of their tasks
// awslogs: what may wait for delivery in non-blocking mode, the most that one event of several
// lines holds, and how long such an event is open for more.
inline constexpr uint64_t kDefaultLogBufferBytes = 10 * 1024 * 1024;
inline constexpr size_t kMaxLogEventBytes = 262'144 - 26;
inline constexpr base::seconds kLogEventAge{5};
inline constexpr size_t kMaxContainers = 10;
inline constexpr size_t kMaxStrategyItems = 20;
inline constexpr size_t kMaxIgnoredExitCodes = 50;
inline constexpr base::seconds kLeastRestartPeriod{60}, kMostRestartPeriod{1800};
inline constexpr size_t kMaxTaskDefinitionBytes = 64 * 1024;
// ECS guide, "Task metadata endpoint version 4 for tasks on Fargate": statistics need a container
// that has run for about one second. Docker's two samples are as far apart.
inline constexpr base::seconds kStatsAfter{1}, kStatsApart{1};
inline constexpr size_t kMaxTags = 50;

}  // namespace ecs
