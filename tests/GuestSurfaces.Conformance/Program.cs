// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;

return Commands.Root().Parse(args).Invoke();
