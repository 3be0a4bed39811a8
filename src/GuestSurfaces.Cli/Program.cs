// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli;

return CommandLineProgram.Run(args, Console.Out, Console.Error);
